import type { Call } from "../call.ts";
import { requestTagKeys } from "../identity/authorization.ts";
import { readTags } from "../wire/tags.ts";
import { authorizedRole, describeRole, readTrust, requireBoundary, roleName, sessionDuration } from "./role.ts";

export async function createRole(call: Call): Promise<object> {
  const { input, world } = call;
  const { directory } = world;
  const name = roleName(input);
  const path = input.optionalText("Path") ?? "/";
  if (!/^\/(?:[!-~]+\/)?$/.test(path)) throw input.invalid(`The specified value for path is invalid: ${path}`);
  const tags = readTags(input, "Tags");
  const boundary = input.optionalText("PermissionsBoundary");
  const duration = sessionDuration(input);
  const text = input.text("AssumeRolePolicyDocument");
  const resource = `arn:${directory.partition}:iam::${call.account}:role${path}${name}`;
  const context = { ...requestTagKeys(tags), "iam:PermissionsBoundary": boundary };
  await call.authorize({ action: "iam:CreateRole", resource, context });
  if (tags.size > 0) await call.authorize({ action: "iam:TagRole", resource, context });
  if (boundary !== undefined) requireBoundary(world, boundary);
  const { roles } = directory.account(call.account);
  if ([...roles.keys()].some((other) => other.toLowerCase() === name.toLowerCase())) {
    throw call.error("EntityAlreadyExists", `Role with name ${name} already exists.`, 409);
  }
  const role = directory.addRole(call.account, name, await readTrust(world, text), { path, delayed: true });
  for (const [key, value] of tags) role.tags.set(key, value);
  role.boundary = boundary;
  role.maxSessionDuration = duration;
  role.description = input.optionalText("Description");
  return { Role: describeRole(world, role) };
}

export async function getRole(call: Call): Promise<object> {
  return { Role: describeRole(call.world, await authorizedRole(call)) };
}

export async function deleteRole(call: Call): Promise<object> {
  const role = await authorizedRole(call);
  if (role.policies.size > 0) {
    throw call.error("DeleteConflict", "Cannot delete entity, must delete policies first.", 409);
  }
  if (role.attached.size > 0) {
    throw call.error("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409);
  }
  role.deleted = true;
  call.world.directory.account(call.account).roles.delete(role.name);
  return {};
}

export async function listRoles(call: Call): Promise<object> {
  const prefix = call.input.optionalText("PathPrefix") ?? "/";
  const { partition } = call.world.directory;
  await call.authorize({ action: "iam:ListRoles", resource: `arn:${partition}:iam::${call.account}:role${prefix}` });
  const all = [...call.world.directory.account(call.account).roles.values()].filter(({ path }) =>
    path.startsWith(prefix),
  );
  const Roles = all.map((role) => describeRole(call.world, role, { tags: false }));
  return { Roles, IsTruncated: false };
}

export async function updateAssumeRolePolicy(call: Call): Promise<object> {
  const text = call.input.text("PolicyDocument");
  const role = await authorizedRole(call);
  role.trust = await readTrust(call.world, text);
  return {};
}

export async function updateRole(call: Call): Promise<object> {
  const role = await authorizedRole(call);
  if (call.input.has("MaxSessionDuration")) role.maxSessionDuration = sessionDuration(call.input);
  if (call.input.has("Description")) role.description = call.input.text("Description");
  return {};
}

export async function putRolePermissionsBoundary(call: Call): Promise<object> {
  const boundary = call.input.text("PermissionsBoundary");
  const role = await authorizedRole(call, { "iam:PermissionsBoundary": boundary });
  role.boundary = requireBoundary(call.world, boundary);
  return {};
}

export async function deleteRolePermissionsBoundary(call: Call): Promise<object> {
  const role = await authorizedRole(call);
  role.boundary = undefined;
  return {};
}

export async function listInstanceProfilesForRole(call: Call): Promise<object> {
  await authorizedRole(call);
  return { InstanceProfiles: [], IsTruncated: false };
}
