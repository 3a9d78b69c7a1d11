import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import { type Assignment, contains } from "../rbac/assignments.ts";
import { parseCondition } from "../rbac/condition.ts";
import type { Role } from "../rbac/roles.ts";
import { badRequest, resourceNotFound } from "./refusals.ts";
import { registryIn } from "./registries.ts";
import { groupOf } from "./resource-groups.ts";
import { definitionId } from "./role-definitions.ts";
import { type ArmRequest, objectOf, permit, type Route, textOf } from "./route.ts";

const ALL = "^(\\/subscriptions\\/.+?)\\/providers\\/Microsoft\\.Authorization\\/roleAssignments";
const versions = ["2015-07-01", "2018-09-01-preview", "2020-04-01-preview", "2020-10-01-preview", "2022-04-01"];
const route = (method: Route["method"], action: string, tail: string, handle: Route["handle"]): Route => ({
  method,
  action: `${action} roleAssignments`,
  path: new RegExp(`${ALL}${tail}$`, "i"),
  versions,
  handle,
});

export const ROLE_ASSIGNMENTS: readonly Route[] = [
  route("GET", "LIST", "", list),
  route("GET", "GET", "\\/([^/]+)", get),
  route("PUT", "PUT", "\\/([^/]+)", put),
  route("DELETE", "DELETE", "\\/([^/]+)", remove),
];

const TYPE = "Microsoft.Authorization/roleAssignments";
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const same = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();

/** The assignment of that name on exactly that scope. */
function named({ world, path: [scope = "", name = ""] }: ArmRequest): Assignment | undefined {
  return world.assignments.list().find((one) => one.name === name.toLowerCase() && same(one.scope, scope));
}

/** Those on a scope, above it and below; `atScope()` leaves those below out. */
function list(request: ArmRequest): Answer {
  const { world, path, query } = request;
  const [scope = ""] = path;
  permit(request, `${TYPE}/read`, scope);
  checkScope(request, scope);
  const around = world.assignments.list().filter((one) => contains(one.scope, scope) || contains(scope, one.scope));
  const conditions = (query.get("$filter") ?? "").split(/ and /i).filter(Boolean);
  const shownOnes = around.filter((one) => conditions.every((condition) => holds(condition, one, scope)));
  return { status: 200, body: { value: shownOnes.map(shown) } };
}

function holds(condition: string, assignment: Assignment, scope: string): boolean {
  if (/^atScope\(\)$/i.test(condition.trim())) return contains(assignment.scope, scope);
  const [, principalId] =
    /^principalId eq '([^']+)'$/i.exec(condition.trim()) ?? /^assignedTo\('([^']+)'\)$/i.exec(condition.trim()) ?? [];
  if (principalId !== undefined) return same(assignment.principalId, principalId);
  throw badRequest("UnsupportedFilter", `The filter '${condition}' is not supported.`);
}

function get(request: ArmRequest): Answer {
  const [scope = "", name = ""] = request.path;
  permit(request, `${TYPE}/read`, scope);
  const found = named(request);
  if (found !== undefined) return { status: 200, body: shown(found) };
  throw new AzureError(404, "RoleAssignmentNotFound", `The role assignment '${name}' is not found.`);
}

function put(request: ArmRequest): Answer {
  const { world, caller, body, path } = request;
  const [scope = "", name = ""] = path;
  const properties = objectOf(body, "properties");
  const roleId = lastPart(textOf(properties, "roleDefinitionId") ?? "");
  const principalId = (textOf(properties, "principalId") ?? "").toLowerCase();
  permit(request, `${TYPE}/write`, scope, { source: "Request", roleId, principalId });
  checkScope(request, scope);
  if (!GUID.test(name)) {
    const message = `The role assignment ID '${name}' is not valid. The role assignment ID must be a GUID.`;
    throw badRequest("InvalidRoleAssignmentId", message);
  }
  const role = roleOf(request, roleId);
  const principalType = principalTypeOf(request, principalId, textOf(properties, "principalType"));
  const condition = conditionOf(role, textOf(properties, "condition"), textOf(properties, "conditionVersion"));
  const wanted = {
    scope,
    roleId: role.id,
    principalId,
    principalType,
    condition,
    description: textOf(properties, "description"),
  };
  const existing = world.assignments.list().find((one) => one.name === name.toLowerCase());
  if (existing !== undefined) return { status: 200, body: shown(repeated(existing, wanted)) };
  const twin = world.assignments
    .list()
    .find((one) => same(one.scope, scope) && one.roleId === role.id && one.principalId === principalId);
  if (twin !== undefined) throw new AzureError(409, "RoleAssignmentExists", "The role assignment already exists.");
  const made = world.assignments.add({ ...wanted, name, createdBy: caller.principalId });
  return { status: 201, body: shown(made) };
}

type Wanted = Pick<Assignment, "scope" | "roleId" | "principalId" | "condition">;

/** The same once more is no mistake; another under the same name is. */
function repeated(existing: Assignment, wanted: Wanted): Assignment {
  const isSame =
    same(existing.scope, wanted.scope) &&
    existing.roleId === wanted.roleId &&
    existing.principalId === wanted.principalId &&
    existing.condition === wanted.condition;
  if (isSame) return existing;
  const message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
  throw badRequest("RoleAssignmentUpdateNotPermitted", message);
}

function remove(request: ArmRequest): Answer {
  const [scope = ""] = request.path;
  const found = named(request);
  permit(request, `${TYPE}/delete`, scope, found && { source: "Resource", ...found });
  if (found === undefined) return { status: 204 };
  request.world.assignments.remove(found);
  return { status: 200, body: shown(found) };
}

function lastPart(definition: string): string {
  return definition.split("/").at(-1)?.toLowerCase() ?? "";
}

function roleOf({ world }: ArmRequest, id: string): Role {
  const role = world.roles.all().find((one) => one.id === id);
  if (role !== undefined) return role;
  const message = `The specified role definition with ID '${id.replaceAll("-", "")}' does not exist.`;
  throw badRequest("RoleDefinitionDoesNotExist", message);
}

/** Who says which type a principal has is not asked whether it can be seen yet. */
function principalTypeOf({ world }: ArmRequest, principalId: string, told: string | undefined): string {
  const principal = world.directory.principal(principalId);
  const isVisible = principal !== undefined && principal.visibleFrom <= world.clock();
  if (told !== undefined) {
    if (!GUID.test(principalId))
      throw badRequest("InvalidPrincipalId", `The principal ID '${principalId}' is not valid.`);
    if (!isVisible || principal.type === told) return told;
    const message =
      `The PrincipalId '${principalId.replaceAll("-", "")}' has type '${principal.type}', which is different from ` +
      `specified PrincipaltType '${told}'.`;
    throw badRequest("UnmatchedPrincipalType", message);
  }
  if (isVisible) return principal.type;
  const [id, tenant] = [principalId, world.directory.tenantId].map((one) => one.replaceAll("-", ""));
  const message =
    `Principal ${id} does not exist in the directory ${tenant}. Check that you have the correct principal ID. If you are ` +
    "creating this principal and then immediately assigning a role, this error might be related to a replication delay. " +
    "In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.";
  throw badRequest("PrincipalNotFound", message);
}

function conditionOf(role: Role, condition: string | undefined, version: string | undefined): string | undefined {
  if (condition === undefined) return undefined;
  if (version !== "2.0" || !role.conditional) {
    throw badRequest("InvalidConditionOrConditionVersion", `The role '${role.name}' cannot have that condition.`);
  }
  parseCondition(condition);
  return condition;
}

/** The subscription is known to be there; what is in it is not. */
function checkScope({ world }: ArmRequest, scope: string): void {
  const [, group, rest = ""] = /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)(.*)$/i.exec(scope) ?? [];
  if (group === undefined) return;
  groupOf(world, group);
  const [, name] = /^\/providers\/Microsoft\.ContainerRegistry\/registries\/([^/]+)/i.exec(rest) ?? [];
  if (name === undefined || registryIn(world, group, name) !== undefined) return;
  throw resourceNotFound("Microsoft.ContainerRegistry/registries", name, group);
}

function shown(assignment: Assignment): object {
  const { name, scope, principalId, principalType, condition, description, createdOn, createdBy, roleId } = assignment;
  const at = createdOn.toISOString();
  return {
    id: `${scope}/providers/${TYPE}/${name}`,
    name,
    type: TYPE,
    properties: {
      scope,
      roleDefinitionId: definitionId(scope, { id: roleId }),
      principalId,
      principalType,
      ...(condition === undefined ? {} : { condition, conditionVersion: "2.0" }),
      ...(description === undefined ? {} : { description }),
      createdOn: at,
      updatedOn: at,
      createdBy,
      updatedBy: createdBy,
    },
  };
}
