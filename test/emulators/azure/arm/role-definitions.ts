import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { Role } from "../rbac/roles.ts";
import { badRequest } from "./refusals.ts";
import { type ArmRequest, permit, type Route } from "./route.ts";

const ALL = "^(|\\/subscriptions\\/.+)\\/providers\\/Microsoft\\.Authorization\\/roleDefinitions";
const versions = ["2018-01-01-preview", "2018-07-01", "2022-04-01", "2022-05-01-preview"];
const route = (action: string, tail: string, handle: Route["handle"]): Route => ({
  method: "GET",
  action: `${action} roleDefinitions`,
  path: new RegExp(`${ALL}${tail}$`, "i"),
  versions,
  handle,
});

export const ROLE_DEFINITIONS: readonly Route[] = [route("LIST", "", list), route("GET", "\\/([^/]+)", get)];

const ACTION = "Microsoft.Authorization/roleDefinitions/read";

function list(request: ArmRequest): Answer {
  const { world, path, query } = request;
  const [scope = ""] = path;
  permit(request, ACTION, scope === "" ? "/" : scope);
  const roles = world.roles.all().filter(filterOf(query.get("$filter")));
  return { status: 200, body: { value: roles.map((role) => shown(role, scope)) } };
}

function get(request: ArmRequest): Answer {
  const { world, path } = request;
  const [scope = "", id = ""] = path;
  permit(request, ACTION, scope === "" ? "/" : scope);
  const role = world.roles.all().find((one) => one.id === id.toLowerCase());
  if (role !== undefined) return { status: 200, body: shown(role, scope) };
  const message = `The specified role definition with ID '${id}' does not exist.`;
  throw new AzureError(404, "RoleDefinitionDoesNotExist", message);
}

function filterOf(filter: string | null): (role: Role) => boolean {
  if (filter === null || /^atScopeAndBelow\(\)$/i.test(filter)) return () => true;
  const [, field, value] = /^(roleName|type) eq '([^']*)'$/i.exec(filter) ?? [];
  if (field?.toLowerCase() === "rolename") return ({ name }) => name === value;
  if (field?.toLowerCase() === "type") return ({ custom }) => (custom ? "CustomRole" : "BuiltInRole") === value;
  throw badRequest("InvalidFilter", `The filter '${filter}' is not supported.`);
}

/** The subscription that a scope is in: definitions are shown as its own. */
export function definitionId(scope: string, { id }: Pick<Role, "id">): string {
  const [subscription = ""] = /^\/subscriptions\/[^/]+/i.exec(scope) ?? [];
  return `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`;
}

function shown(role: Role, scope: string): object {
  const { id, name, custom, actions, notActions, dataActions } = role;
  return {
    id: definitionId(scope, role),
    name: id,
    type: "Microsoft.Authorization/roleDefinitions",
    properties: {
      roleName: name,
      type: custom ? "CustomRole" : "BuiltInRole",
      description: "",
      assignableScopes: ["/"],
      permissions: [{ actions, notActions, dataActions, notDataActions: [] }],
    },
  };
}
