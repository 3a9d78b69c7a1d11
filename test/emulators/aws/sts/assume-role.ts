import { deflateRawSync } from "node:zlib";
import { type Call, denial } from "../call.ts";
import type { Role } from "../identity/account.ts";
import { resourceTagKeys } from "../identity/authorization.ts";
import { readPrincipals } from "../identity/bound-principals.ts";
import { parseDocument } from "../identity/documents.ts";
import { documentProblem } from "../identity/oracle.ts";
import { sessionPrincipal } from "../identity/principal.ts";
import { failure } from "../wire/services.ts";

const CHAINED_SECONDS = 3600;
/** AWS does not say how it packs; deflate into this many bytes stands in for it. */
const PACKED_BYTES = 1024;

export async function assumeRole(call: Call): Promise<object> {
  const { input, world, principal } = call;
  const roleArn = input.text("RoleArn");
  const name = sessionName(call);
  const seconds = duration(call);
  const policy = sessionPolicyText(call);
  const role = await trustedRole(call, roleArn, name);
  if (principal.type === "AssumedRole" && seconds > CHAINED_SECONDS) {
    throw call.error(
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  }
  if (seconds > role.maxSessionDuration) {
    throw call.error(
      "ValidationError",
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  }
  const packed = policy === undefined ? undefined : await packedPercent(call, policy);
  const expiresAt = new Date(Math.floor(world.clock().getTime() / 1000 + seconds) * 1000);
  const session = sessionPrincipal(role, { name, policy, expiresAt });
  const key = world.directory.issueKey(session, { session: true });
  return {
    Credentials: {
      AccessKeyId: key.id,
      SecretAccessKey: key.secret,
      SessionToken: key.sessionToken,
      Expiration: expiresAt,
    },
    AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
    PackedPolicySize: packed,
  };
}

/** A role that is not there is refused like one that does not trust the caller. */
async function trustedRole(call: Call, arn: string, sessionName: string): Promise<Role> {
  const [, account] = /^arn:[\w-]+:iam::(\d{12}):role\/[\w+=,.@/-]+$/.exec(arn) ?? [];
  if (account === undefined) throw call.error("ValidationError", `${arn} is invalid`);
  const { directory } = call.world;
  const found = directory.look(arn);
  const role = found?.kind === "role" ? found : undefined;
  if (role === undefined) {
    const authorization = { action: "sts:AssumeRole", resource: arn, resourceAccount: account, context: {} };
    call.record.authorizations.push({ ...authorization, verdict: "ImplicitlyDenied" });
    call.record.resource ??= arn;
    throw failure(
      call.profile,
      "accessDenied",
      denial(call.principal.arn, { ...authorization, verdict: "ImplicitlyDenied" }),
    );
  }
  await call.authorize({
    action: "sts:AssumeRole",
    resource: arn,
    resourceAccount: account,
    resourcePolicy: readPrincipals(directory, role.trust),
    context: {
      ...resourceTagKeys("iam", role.tags),
      "sts:RoleSessionName": sessionName,
      "sts:ExternalId": call.input.optionalText("ExternalId"),
      "sts:SourceIdentity": call.input.optionalText("SourceIdentity"),
    },
  });
  return role;
}

function sessionName(call: Call): string {
  const name = call.input.text("RoleSessionName");
  if (/^[\w+=,.@-]{2,64}$/.test(name)) return name;
  throw call.error(
    "ValidationError",
    `1 validation error detected: Value '${name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]* and have length between 2 and 64`,
  );
}

function duration(call: Call): number {
  const seconds = call.input.optionalNumber("DurationSeconds") ?? 3600;
  const against = (constraint: string) =>
    call.error(
      "ValidationError",
      `1 validation error detected: Value '${seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value ${constraint}`,
    );
  if (!Number.isInteger(seconds) || seconds < 900) throw against("greater than or equal to 900");
  if (seconds > 43_200) throw against("less than or equal to 43200");
  return seconds;
}

function sessionPolicyText(call: Call): string | undefined {
  const text = call.input.optionalText("Policy");
  if (text === undefined) return undefined;
  if (text.length >= 1 && text.length <= 2048) return text;
  throw call.error(
    "ValidationError",
    "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048",
  );
}

async function packedPercent(call: Call, text: string): Promise<number> {
  const document = parseDocument(text);
  if (document === undefined) throw call.error("MalformedPolicyDocument", "This policy contains invalid Json");
  const problem = await documentProblem("identity", document);
  if (problem !== undefined) throw call.error("MalformedPolicyDocument", problem);
  const percent = Math.ceil((deflateRawSync(text).length * 100) / PACKED_BYTES);
  if (percent <= 100) return percent;
  throw call.error(
    "PackedPolicyTooLarge",
    `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
  );
}
