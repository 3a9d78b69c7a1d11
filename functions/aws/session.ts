import { createHash } from "node:crypto";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import type { Call } from "../../core/call.ts";
import type { Caller } from "../../core/caller.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { NotYet, pauseAtMost, untilReady } from "../../core/until-ready.ts";
import { isServiceError, translateAwsError } from "./errors.ts";
import type { Place } from "./place.ts";
import { tooManyRepositories } from "./policy/session.ts";
import type { Clients, SessionCredentials } from "./sdk.ts";

/** AWS STS, AssumeRole: seconds. */
export const sessionSeconds = { min: 900, max: 43_200, default: 3_600, chained: 3_600 } as const;

/** How many seconds a session may have here. On Lambda the function's own role is assumed already, so a session is chained. */
export function sessionLifetimes({ onLambda }: Pick<Place, "onLambda">) {
  const { min, max, chained, default: standard } = sessionSeconds;
  return { min, max: onLambda ? chained : max, default: standard };
}

export interface Session {
  readonly credentials: SessionCredentials;
  readonly expiresAt: Date;
}

export interface SessionRequest {
  readonly roleArn: string;
  /** Bounds the session to what is handed out. */
  readonly policy: string;
  readonly seconds: number;
  /** Names the session, so that CloudTrail leads to the audit log and back. */
  readonly credentialId?: string | undefined;
}

/**
 * Assumes a role under an inline session policy. Asks again for one hour where the role or role chaining allows no more:
 * STS refuses a longer session instead of shortening it.
 */
export async function assumeRole(
  clients: Clients,
  place: Place,
  request: SessionRequest,
  call: Call,
): Promise<Session> {
  const { min, max } = sessionLifetimes(place);
  const seconds = Math.min(Math.max(request.seconds, min), max);
  try {
    return await onceVisible(clients, request.roleArn, call, () => tryToAssume(clients, { ...request, seconds }, call));
  } catch (error) {
    const tooLong = isServiceError(error, "ValidationError") && seconds > sessionSeconds.chained;
    if (!tooLong) throw translate(error, request.roleArn);
  }
  try {
    return await tryToAssume(clients, { ...request, seconds: sessionSeconds.chained }, call);
  } catch (error) {
    throw translate(error, request.roleArn);
  }
}

/** STS sees a role some seconds after it was made, and denies it until then. */
const visibilityBackoff = { baseMs: 1_000, capMs: 2_000, attempts: 3 };
/** Roles of which it is known whether they can be assumed. Nobody waits for those any more. */
const known = new WeakMap<Clients, Set<string>>();

async function onceVisible<T>(clients: Clients, roleArn: string, call: Call, assume: () => Promise<T>): Promise<T> {
  const roles = known.get(clients) ?? new Set();
  known.set(clients, roles);
  if (roles.has(roleArn)) return assume();
  const attempt = async (tries: number) => {
    try {
      const session = await assume();
      roles.add(roleArn);
      return session;
    } catch (error) {
      if (!isServiceError(error, "AccessDenied")) throw error;
      if (tries === visibilityBackoff.attempts) roles.add(roleArn);
      throw new NotYet(error);
    }
  };
  return untilReady(attempt, call.signal, visibilityBackoff, { wait: pauseAtMost });
}

async function tryToAssume(clients: Clients, request: SessionRequest, call: Call): Promise<Session> {
  const { Credentials: answer } = await call.upstream("STS AssumeRole", async (abortSignal) => {
    try {
      const input = {
        RoleArn: request.roleArn,
        RoleSessionName: sessionName(call.caller, request.credentialId),
        Policy: request.policy,
        DurationSeconds: request.seconds,
      };
      return await clients.sts().send(new AssumeRoleCommand(input), { abortSignal });
    } catch (error) {
      if (isServiceError(error, "ValidationError", "AccessDenied", ...malformed, ...tooLarge)) throw error;
      throw translateAwsError(error, "STS AssumeRole", `sts:AssumeRole on ${request.roleArn}`);
    }
  });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "STS answered without credentials.");
  }
  return {
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    expiresAt: Expiration,
  };
}

const malformed = ["MalformedPolicyDocument", "MalformedPolicyDocumentException"];
const tooLarge = ["PackedPolicyTooLarge", "PackedPolicyTooLargeException"];

function translate(error: unknown, roleArn: string): unknown {
  if (isServiceError(error, "AccessDenied")) {
    // A role that does not exist and one that does not trust us look the same.
    return new ArtifactRegistryError("ACCESS_DENIED", "The bound role cannot be assumed.", {
      hint: `${roleArn} must exist and trust the function's role, which needs sts:AssumeRole on it. One that was just made is known some seconds later.`,
      cause: error,
    });
  }
  // How AWS packs a policy is not known, so nobody can tell beforehand. Without further repositories every policy fits.
  if (isServiceError(error, ...tooLarge)) {
    return tooManyRepositories("AWS says that it cannot pack the session policy which they make");
  }
  if (isServiceError(error, "ValidationError", ...malformed)) {
    return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", "STS refused the request for a session.", {
      context: { role: roleArn },
      cause: error,
    });
  }
  return error;
}

/**
 * Who asked and for which credential, in what a session may be called (2 to 64 of `[\w+=,.@-]`), so that CloudTrail can tell.
 *
 * @param credentialId the id in the audit log; without it a caller whose name does not fit is told by a hash
 */
export function sessionName({ issuer, subject }: Caller, credentialId?: string): string {
  const full = `${issuer}:${subject}`;
  const plain = full.replace(/^https:\/\//, "").replace(/[^\w+=,.@-]+/g, "-");
  if (credentialId !== undefined) return `${plain.slice(0, 63 - credentialId.length)}.${credentialId}`;
  if (plain.length <= 64 && plain.length >= 2 && plain === full.replace(":", "-")) return plain;
  const hash = createHash("sha256")
    .update(JSON.stringify([issuer, subject]))
    .digest("hex")
    .slice(0, 12);
  return `${plain.slice(0, 51)}-${hash}`;
}

/** Why no credential of AWS can be ended by us, and how the operator of the role does it. */
export const endedByRole = {
  reason: "AWS checks these credentials, and has no call that ends one of them.",
  hint:
    "Give the pull or push role an inline policy that denies everything while aws:TokenIssueTime is before now, as " +
    'IAM\'s "Revoke active sessions" does: it ends every session of that role. docs/security.md has the commands.',
};
