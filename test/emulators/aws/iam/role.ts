import type { Call } from "../call.ts";
import type { Role } from "../identity/account.ts";
import { resourceTagKeys } from "../identity/authorization.ts";
import { type BoundDocument, bindPrincipals, PrincipalNotFound, readPrincipals } from "../identity/bound-principals.ts";
import { listOf, type PolicyDocument, parseDocument } from "../identity/documents.ts";
import { documentProblem } from "../identity/oracle.ts";
import { AwsError } from "../wire/errors.ts";
import type { Input } from "../wire/input.ts";
import { writeTags } from "../wire/tags.ts";
import type { World } from "../world.ts";

export type Context = Readonly<Record<string, string | string[] | undefined>>;

/** The role's name. @throws ValidationError */
export function roleName(input: Input): string {
  const name = input.text("RoleName");
  if (/^[\w+=,.@-]{1,64}$/.test(name)) return name;
  const constraint =
    name.length > 64
      ? "Member must have length less than or equal to 64"
      : "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
  throw input.invalid(
    `1 validation error detected: Value '${name}' at 'roleName' failed to satisfy constraint: ${constraint}`,
  );
}

/** Asks whether the caller may, and only then whether there is such a role. */
export async function authorizedRole(
  call: Call,
  context: Context = {},
  actions: readonly string[] = [],
): Promise<Role> {
  const name = roleName(call.input);
  const role = call.world.directory.account(call.account).roles.get(name);
  const resource = role?.arn ?? `arn:${call.world.directory.partition}:iam::${call.account}:role/${name}`;
  for (const action of [call.record.action, ...actions]) {
    await call.authorize({ action: `iam:${action}`, resource, context: { ...roleKeys(role), ...context } });
  }
  if (role !== undefined) return role;
  throw notFound(`The role with name ${name} cannot be found.`);
}

// The boundary counts for what changes a role's rights: the one that it has, or the one that it is to get.
function roleKeys(role: Role | undefined): Context {
  return { "iam:PermissionsBoundary": role?.boundary, ...resourceTagKeys("iam", role?.tags ?? new Map()) };
}

/** Reads a trust policy. @throws MalformedPolicyDocument */
export async function readTrust(world: World, text: string): Promise<BoundDocument> {
  // IAM user guide, "IAM and AWS STS quotas": 2,048 by default, up to 4,096 for who asks. White space does not count.
  if (text.replace(/\s/g, "").length > 2048) {
    throw new AwsError("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048", 409);
  }
  const document = parseDocument(text);
  if (document === undefined) throw malformed("This policy contains invalid Json");
  for (const statement of document.Statement) {
    if (statement.Resource !== undefined) throw malformed("Has prohibited field Resource");
    if (statement.Principal === undefined && statement.NotPrincipal === undefined) {
      throw malformed("Missing required field Principal");
    }
    if (!listOf(statement.Action).every((action) => /^(?:\*|sts:.+)$/i.test(action))) {
      throw malformed("AssumeRole policy may only specify STS AssumeRole actions.");
    }
  }
  const problem = await documentProblem("resource", document);
  if (problem !== undefined) throw malformed(problem);
  try {
    return bindPrincipals(world.directory, document);
  } catch (error) {
    if (error instanceof PrincipalNotFound) throw malformed(`Invalid principal in policy: "AWS":"${error.principal}"`);
    throw error;
  }
}

/** Reads an identity policy. @throws MalformedPolicyDocument */
export async function readIdentityPolicy(text: string): Promise<PolicyDocument> {
  const document = parseDocument(text);
  if (document === undefined) throw malformed("The policy is not in the valid JSON format.");
  const problem = await documentProblem("identity", document);
  if (problem !== undefined) throw malformed(`Syntax errors in policy. ${problem}`);
  return document;
}

export function describeRole(world: World, role: Role, { tags = true } = {}): object {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: role.createdAt,
    AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(readPrincipals(world.directory, role.trust))),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
    PermissionsBoundary:
      role.boundary === undefined
        ? undefined
        : { PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: role.boundary },
    ...(tags && role.tags.size > 0 ? { Tags: writeTags(role.tags) } : {}),
    RoleLastUsed: {},
  };
}

export function sessionDuration(input: Input): number {
  const seconds = input.optionalNumber("MaxSessionDuration") ?? 3600;
  if (Number.isInteger(seconds) && seconds >= 3600 && seconds <= 43_200) return seconds;
  throw input.invalid(
    `1 validation error detected: Value '${seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200`,
  );
}

/** The managed policy that is to bound a role. @throws NoSuchEntity */
export function requireBoundary(world: World, arn: string): string {
  if (world.directory.managedPolicy(arn) !== undefined) return arn;
  throw notFound(`Policy ${arn} does not exist or is not attachable.`);
}

export function notFound(message: string): AwsError {
  return new AwsError("NoSuchEntity", message, 404);
}

export function malformed(message: string): AwsError {
  return new AwsError("MalformedPolicyDocument", message);
}
