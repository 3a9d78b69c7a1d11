import { read } from "./module.ts";

const json = (name: string) => JSON.parse(read(`infra/azure/roles/${name}.json`));

/** How roles are assigned on a container registry: for all of it, or where they may be for some of its repositories. */
export type RoleMode = "rbac" | "rbac-abac";

/** The roles of an identity on one scope: custom ones by concern, and built-in ones by mode. */
export interface Grants extends Readonly<Record<RoleMode, readonly string[]>> {
  readonly concerns: readonly string[];
}

export interface DoorRoles {
  /** On each container registry that is bound. */
  readonly registry: Grants;
  /** On the registries' resource group, where registries are derived. */
  readonly derived: Grants;
  /** On the registries' resource group. */
  readonly group: Grants;
}

/** Which roles infra/azure gives each door. */
export const doorRoles: Readonly<Record<string, DoorRoles>> = json("doors");

/** The permissions of each custom role, by concern. */
export const rolePermissions: Readonly<Record<string, readonly string[]>> = json("permissions");

/** The built-in roles that the provision door may assign: ids of their definitions, by name. */
export const grantable: Readonly<Record<string, string>> = json("grantable");

/** The role that takes no condition on repositories, by the name in infra/azure/roles.tf. */
export const catalogRole = "Container Registry Repository Catalog Lister";

/** The condition under which a built-in role is assigned on a registry with a prefix, if there is one. */
export function conditionFor(role: string, mode: RoleMode, prefix: string): string | undefined {
  return mode === "rbac" || role === catalogRole ? undefined : repositoryCondition(prefix);
}

/** The condition under which roles for repositories are assigned on a registry with a prefix. */
export function repositoryCondition(prefix: string): string {
  return render("repositories", { prefix });
}

/** The condition under which the provision door assigns roles. */
export function grantCondition(roles: readonly string[], principals: readonly string[]): string {
  return render("grants", { roles: roles.join(", "), principals: principals.join(", ") });
}

/** As OpenTofu's templatefile does it. */
function render(name: string, values: Readonly<Record<string, string>>): string {
  return read(`infra/azure/roles/${name}.tftpl`).replace(/\$\{(\w+)\}/g, (_, blank: string) => {
    const value = values[blank];
    if (value === undefined) throw new Error(`${name} needs a value for ${blank}`);
    return value;
  });
}
