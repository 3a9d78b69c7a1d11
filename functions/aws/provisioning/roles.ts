import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  type Role,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { isServiceError } from "../errors.ts";
import { ownershipTagKey } from "../names.ts";
import { meaningOf, parsePolicy } from "../policy/document.ts";
import { sessionSeconds } from "../session.ts";
import type { Iam } from "./iam.ts";

/** Name of the one inline policy of a role that we make. */
export const inlinePolicy = "artifact-registry";

/** What a pull or push role must be. */
export interface WantedRole {
  readonly name: string;
  /** IAM's path, with `/` at both ends. */
  readonly path: string;
  /** Value of the ownership tag. */
  readonly prefix: string;
  /** JSON. Undefined leaves an existing role's trust as it is. */
  readonly trust: string | undefined;
  /** JSON. */
  readonly policy: string;
  readonly permissionsBoundary: string | undefined;
}

export type Drift = "missing" | "foreign" | "path" | "trust" | "session" | "boundary" | "policy";

/**
 * Finds what must be done about a role. It only reads.
 *
 * @throws RESOURCE_CONFLICT for a role that is not ours, BINDING_CONFIG_INVALID for one on another path, or where a new one
 *   would trust nobody
 */
export async function examineRole(iam: Iam, wanted: WantedRole, call: Call): Promise<Drift[]> {
  refuseLongPolicies(wanted);
  const drift = await roleDrift(iam, wanted, call);
  if (drift.includes("foreign")) throw foreignRole(wanted.name, " Nothing was changed.");
  if (drift.includes("path")) throw onAnotherPath(wanted);
  if (drift.includes("missing") && wanted.trust === undefined) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_FUNCTION_ROLE_ARNS is not set.", {
      hint: "List the execution roles of the functions that mint credentials, separated by commas.",
    });
  }
  return drift;
}

/**
 * How many characters a role's policies may have (IAM user guide, "IAM and AWS STS quotas"): its trust policy, where the
 * account has not asked for more, and its inline policies together.
 */
const policyLimits = { trust: 2_048, inline: 10_240 } as const;

/** @throws BINDING_CONFIG_INVALID, QUOTA_EXCEEDED for policies that IAM would refuse when other things have been made */
function refuseLongPolicies({ name, trust = "", policy }: WantedRole): void {
  if (trust.length > policyLimits.trust) {
    throw new ArtifactRegistryError(
      "BINDING_CONFIG_INVALID",
      `ALIEN_FUNCTION_ROLE_ARNS makes a trust policy of ${trust.length} characters, and AWS takes ${policyLimits.trust}.`,
      { hint: "List only the functions that mint credentials. Nothing was changed." },
    );
  }
  if (policy.length > policyLimits.inline) {
    throw new ArtifactRegistryError(
      "QUOTA_EXCEEDED",
      `The policy of the role "${name}" would have ${policy.length} characters, and AWS takes ${policyLimits.inline}.`,
      { hint: "Name fewer replication regions, or choose a shorter prefix. Nothing was changed." },
    );
  }
}

/** Creates the role, or changes what differs. @param found how the role differs, from `examineRole` */
export async function ensureRole(iam: Iam, wanted: WantedRole, found: readonly Drift[], call: Call): Promise<void> {
  const { name, trust, permissionsBoundary } = wanted;
  let drift = found;
  if (drift.includes("missing") && trust !== undefined) {
    await createRole(iam, { ...wanted, trust }, call);
    drift = ["policy"];
  }
  // First, since infra/aws lets this function change a role within the boundary only.
  if (drift.includes("boundary") && permissionsBoundary !== undefined) {
    const input = { RoleName: name, PermissionsBoundary: permissionsBoundary };
    await iam.send(call, "PutRolePermissionsBoundary", (client, options) =>
      client.send(new PutRolePermissionsBoundaryCommand(input), options),
    );
  }
  if (drift.includes("trust") && trust !== undefined) {
    await iam.send(call, "UpdateAssumeRolePolicy", (client, options) =>
      client.send(new UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument: trust }), options),
    );
  }
  if (drift.includes("session")) {
    await iam.send(call, "UpdateRole", (client, options) =>
      client.send(new UpdateRoleCommand({ RoleName: name, MaxSessionDuration: sessionSeconds.max }), options),
    );
  }
  if (drift.includes("policy")) {
    const input = { RoleName: name, PolicyName: inlinePolicy, PolicyDocument: wanted.policy };
    await iam.send(call, "PutRolePolicy", (client, options) => client.send(new PutRolePolicyCommand(input), options));
  }
}

/** Finds how the role differs from what it must be. It only reads. */
export async function roleDrift(iam: Iam, wanted: WantedRole, call: Call): Promise<Drift[]> {
  const role = await getRole(iam, wanted.name, call);
  if (!role) return ["missing"];
  if (!isOurs(role, wanted.prefix)) return ["foreign"];
  const drift: Drift[] = [];
  if ((role.Path ?? "/") !== wanted.path) drift.push("path");
  const { trust, permissionsBoundary } = wanted;
  if (trust !== undefined && !sameDocument(role.AssumeRolePolicyDocument, trust)) drift.push("trust");
  if (role.MaxSessionDuration !== sessionSeconds.max) drift.push("session");
  const boundary = role.PermissionsBoundary?.PermissionsBoundaryArn;
  if (permissionsBoundary !== undefined && boundary !== permissionsBoundary) drift.push("boundary");
  if (!sameDocument(await getPolicy(iam, wanted.name, call), wanted.policy)) drift.push("policy");
  return drift;
}

/** Removes the role if it carries our tag. Does nothing if there is no such role, or if it is somebody else's. */
export async function removeRole(iam: Iam, name: string, prefix: string, call: Call): Promise<void> {
  const role = await getRole(iam, name, call);
  if (!role || !isOurs(role, prefix)) return;
  const { PolicyNames = [] } = await iam.send(call, "ListRolePolicies", (client, options) =>
    client.send(new ListRolePoliciesCommand({ RoleName: name }), options),
  );
  for (const PolicyName of PolicyNames) {
    await unlessGone(
      iam.send(
        call,
        "DeleteRolePolicy",
        (client, options) => client.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName }), options),
        gone,
      ),
    );
  }
  try {
    await unlessGone(
      iam.send(
        call,
        "DeleteRole",
        (client, options) => client.send(new DeleteRoleCommand({ RoleName: name }), options),
        [...gone, ...inUse],
      ),
    );
  } catch (error) {
    if (!isServiceError(error, ...inUse)) throw error;
    throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The role "${name}" has policies that are not this suite's.`, {
      hint: "Detach what somebody attached to it, then call again.",
      cause: error,
    });
  }
}

const gone = ["NoSuchEntityException", "NoSuchEntity"];
const inUse = ["DeleteConflictException", "DeleteConflict"];

async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isServiceError(error, ...gone)) throw error;
  }
}

async function getRole(iam: Iam, name: string, call: Call): Promise<Role | undefined> {
  try {
    const { Role: role } = await iam.send(
      call,
      "GetRole",
      (client, options) => client.send(new GetRoleCommand({ RoleName: name }), options),
      gone,
    );
    return role;
  } catch (error) {
    if (isServiceError(error, ...gone)) return undefined;
    throw error;
  }
}

async function getPolicy(iam: Iam, name: string, call: Call): Promise<string | undefined> {
  try {
    const { PolicyDocument } = await iam.send(
      call,
      "GetRolePolicy",
      (client, options) => client.send(new GetRolePolicyCommand({ RoleName: name, PolicyName: inlinePolicy }), options),
      gone,
    );
    return PolicyDocument;
  } catch (error) {
    if (isServiceError(error, ...gone)) return undefined;
    throw error;
  }
}

async function createRole(iam: Iam, wanted: WantedRole & { readonly trust: string }, call: Call): Promise<void> {
  const { name, path, trust, permissionsBoundary } = wanted;
  const input = {
    RoleName: name,
    ...(path !== "/" && { Path: path }),
    AssumeRolePolicyDocument: trust,
    Description: `Mints credentials for the artifact registry ${wanted.prefix}.`,
    MaxSessionDuration: sessionSeconds.max,
    Tags: [{ Key: ownershipTagKey, Value: wanted.prefix }],
    ...(permissionsBoundary !== undefined && { PermissionsBoundary: permissionsBoundary }),
  };
  const exists = ["EntityAlreadyExistsException", "EntityAlreadyExists"];
  try {
    await iam.send(call, "CreateRole", (client, options) => client.send(new CreateRoleCommand(input), options), exists);
  } catch (error) {
    // The role may be ours, if the answer to an earlier try was lost. The next call checks it as it checks every role.
    if (!isServiceError(error, ...exists)) throw error;
    const role = await getRole(iam, name, call);
    if (!role || !isOurs(role, wanted.prefix)) throw foreignRole(name);
  }
}

function isOurs({ Tags = [] }: Role, prefix: string): boolean {
  return Tags.some(({ Key, Value }) => Key === ownershipTagKey && Value === prefix);
}

/** Whether a policy means what it must. IAM answers documents URL-encoded (RFC 3986). */
function sameDocument(encoded: string | undefined, wanted: string): boolean {
  if (encoded === undefined) return false;
  try {
    // Compared by meaning, because others who write the same document, such as infra/aws, may order its members differently.
    const meanings = [decodeURIComponent(encoded), wanted].map((text) => meaningOf(parsePolicy(text).envelope));
    return meanings[0] === meanings[1];
  } catch {
    return false;
  }
}

/** IAM moves no role from one path to another. */
function onAnotherPath({ name, path }: WantedRole): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The role "${name}" is not on the path "${path}".`, {
    hint: "Set ALIEN_ROLE_PATH to the path that it is on, or delete it and call again. Nothing was changed.",
  });
}

function foreignRole(name: string, more = ""): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The role "${name}" exists and is not this registry's.`, {
    hint: `Give it the tag ${ownershipTagKey} with the registry's prefix to have it adopted, or rename it.${more}`,
  });
}
