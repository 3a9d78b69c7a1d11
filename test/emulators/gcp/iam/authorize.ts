import type { CallRecord } from "../call.ts";
import { permissionDenied } from "../errors.ts";
import type { Caller } from "../identity/tokens.ts";
import type { World } from "../world.ts";
import { holds } from "./conditions.ts";
import { denies } from "./deny.ts";
import { type Binding, modifiedRoles, type Policy } from "./policy.ts";

/** Something with a policy of its own, inside a project; the policy is absent where the thing is. */
export interface Resource {
  /** As conditions see it, and as refusals name it: `projects/P/locations/L/repositories/R`. */
  readonly name: string;
  readonly project: string;
  readonly policy: Policy | undefined;
  /** The bindings that are to take the place of the policy's, where it is written. */
  readonly written?: readonly Binding[];
}

/** Whether the bindings of the resource or of its project give this caller a permission. */
export function isAllowed(world: World, caller: Caller | undefined, permission: string, resource: Resource): boolean {
  const project = world.directory.project(resource.project);
  if (project?.denyPolicies.some((policy) => denies(policy, caller?.email, permission))) return false;
  const policies = [resource.policy, project?.policy];
  const { name, policy: current, written } = resource;
  const context = {
    service: permission.slice(0, permission.indexOf(".")),
    resource: name,
    now: world.clock(),
    tags: world.tags.effective(name),
    ...(written && { modifiedRoles: modifiedRoles(current?.bindings ?? [], written) }),
  };
  return policies.some((policy) =>
    policy?.bindings.some(
      ({ role, members, condition }) =>
        world.roles.allows(role, permission) &&
        members.some((member) => isMember(caller, member)) &&
        (condition === undefined || holds(condition.expression, context)),
    ),
  );
}

function isMember(caller: Caller | undefined, member: string): boolean {
  if (member === "allUsers") return true;
  return caller !== undefined && (member === "allAuthenticatedUsers" || member === caller.member);
}

/** @throws PERMISSION_DENIED, which does not tell a missing resource from a closed one */
export function authorize(
  world: World,
  record: CallRecord,
  caller: Caller | undefined,
  permission: string,
  resource: Resource,
): void {
  const allowed = isAllowed(world, caller, permission, resource);
  record.authorizations.push({ permission, resource: resource.name, allowed });
  record.resource ??= resource.name;
  if (!allowed) throw permissionDenied(permission, resource.name);
}
