import { createHash } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { Caller } from "../../core/caller.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { NotYet, untilReady } from "../../core/until-ready.ts";
import type { Keys } from "./environment.ts";
import { isServiceError, translateAwsError } from "./errors.ts";
import type { Place } from "./place.ts";
import { tooManyRepositories } from "./policy/session.ts";
import type { SignedRequests } from "./signed.ts";

/** AWS STS, AssumeRole: seconds. */
export const sessionSeconds = { min: 900, max: 43_200, default: 3_600, chained: 3_600 } as const;

/** How many seconds a session may have here. On Lambda the function's own role is assumed already, so a session is chained. */
export function sessionLifetimes({ onLambda }: Pick<Place, "onLambda">) {
  const { min, max, chained, default: standard } = sessionSeconds;
  return { min, max: onLambda ? chained : max, default: standard };
}

export interface Session {
  readonly keys: Required<Keys>;
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
  requests: SignedRequests,
  place: Place,
  request: SessionRequest,
  call: Call,
): Promise<Session> {
  const { min, max } = sessionLifetimes(place);
  const seconds = Math.min(Math.max(request.seconds, min), max);
  try {
    return await onceSpread(requests, request.roleArn, "session", call, () =>
      tryToAssume(requests, { ...request, seconds }, call),
    );
  } catch (error) {
    const tooLong = isServiceError(error, "ValidationError") && seconds > sessionSeconds.chained;
    if (!tooLong) throw translate(error, request.roleArn);
  }
  try {
    return await tryToAssume(requests, { ...request, seconds: sessionSeconds.chained }, call);
  } catch (error) {
    throw translate(error, request.roleArn);
  }
}

/** IAM spreads what it was told for some seconds; reports say 10 to 60 (docs/aws.md, "New roles and policies"). */
export const spreading = { baseMs: 1_000, capMs: 4_000, mostMs: 60_000, retryAfterSeconds: 10 };

/** What is known of a role and of what is asked of it: since when it is denied, in milliseconds, or that it was allowed once. */
const seen = new WeakMap<SignedRequests, Map<string, number | "allowed">>();

/**
 * Repeats what a role may be too new for: STS denies a role that it does not see yet, and a policy counts some seconds after
 * it was put. Nobody waits for what was allowed once, or has been denied for longer than that takes.
 *
 * @param what is asked of the role; each is waited for by itself
 * @param work throws AWS's own denial, or ACCESS_DENIED
 * @throws SERVICE_UNAVAILABLE (retryable) when the operation's time is over first
 */
export async function onceSpread<T>(
  requests: SignedRequests,
  roleArn: string,
  what: string,
  call: Call,
  work: () => Promise<T>,
): Promise<T> {
  const known = seen.get(requests) ?? new Map<string, number | "allowed">();
  seen.set(requests, known);
  const key = `${roleArn} ${what}`;
  if (known.get(key) === "allowed") return work();
  let denied: ArtifactRegistryError | undefined;
  const attempt = async () => {
    try {
      const result = await work();
      known.set(key, "allowed");
      return result;
    } catch (error) {
      if (!isDenied(error)) throw call.signal.aborted && denied !== undefined ? denied : error;
      const now = call.now().getTime();
      const since = known.get(key) ?? now;
      known.set(key, since);
      // Somebody else was allowed meanwhile: then nothing is new here.
      if (since === "allowed" || now - since >= spreading.mostMs) throw error;
      denied = notSpread(roleArn, error);
      throw new NotYet(denied);
    }
  };
  return untilReady(attempt, call.signal, spreading);
}

function isDenied(error: unknown): boolean {
  if (isServiceError(error, "AccessDenied")) return true;
  return error instanceof ArtifactRegistryError && error.code === "ACCESS_DENIED";
}

function notSpread(roleArn: string, cause: unknown): ArtifactRegistryError {
  const { hint } = translate(cause, roleArn) as { hint?: string };
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "AWS still denies what the bound role is needed for.", {
    retryable: true,
    retryAfterSeconds: spreading.retryAfterSeconds,
    hint: `IAM's propagation of a new role or policy takes up to a minute: try again. ${hint}`,
    cause,
  });
}

async function tryToAssume(requests: SignedRequests, request: SessionRequest, call: Call): Promise<Session> {
  const answer = await call.upstream("STS AssumeRole", async (abortSignal) => {
    try {
      const input = {
        RoleArn: request.roleArn,
        RoleSessionName: sessionName(call.caller, request.credentialId),
        Policy: request.policy,
        DurationSeconds: String(request.seconds),
      };
      return await requests.assumeRole(input, abortSignal);
    } catch (error) {
      if (isServiceError(error, "ValidationError", "AccessDenied", ...malformed, ...tooLarge)) throw error;
      throw translateAwsError(error, "STS AssumeRole", `sts:AssumeRole on ${request.roleArn}`);
    }
  });
  if (answer === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "STS answered without credentials.");
  }
  return answer;
}

const malformed = ["MalformedPolicyDocument", "MalformedPolicyDocumentException"];
const tooLarge = ["PackedPolicyTooLarge", "PackedPolicyTooLargeException"];

function translate(error: unknown, roleArn: string): unknown {
  if (isServiceError(error, "AccessDenied")) {
    // A role that does not exist and one that does not trust us look the same.
    return new ArtifactRegistryError("ACCESS_DENIED", "The bound role cannot be assumed.", {
      hint: `${roleArn} must exist and trust the function's role, which needs sts:AssumeRole on it. One that was just made is known after up to a minute.`,
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
