import { type Mode, type Registry, type RegistrySeed, registryId } from "./acr/registry.ts";
import type { Application, FederatedCredential, Principal } from "./identity/directory.ts";
import { ACR_AUDIENCE } from "./identity/entra-tokens.ts";
import type { Role } from "./rbac/roles.ts";
import type { World } from "./world.ts";

export interface IdentitySeed {
  /** User-assigned unless told otherwise. */
  readonly managed?: "system" | "user";
  /** Roles by scope: a subscription, a resource group, a registry's id. Built-in or custom, by name. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
}

export interface RegistryOptions extends Omit<Partial<RegistrySeed>, "name" | "subscription" | "mode"> {
  /** Default `rbac`. */
  readonly mode?: "rbac" | "abac";
}

/** Arranging tests: all of it takes effect at once, unasked and unlogged. */
export interface AzureSeeding {
  readonly subscription: string;
  readonly tenantId: string;
  /** Makes a resource group. Returns its id. */
  resourceGroup(name: string, location?: string): string;
  /** Makes a registry, in a group that is made where it is missing. */
  registry(name: string, options?: RegistryOptions): Promise<Registry>;
  /** The resource id of a registry, of a scope map by `{registry}/scopeMaps/{name}`, … */
  registryId(name: string): string;
  /** Makes a managed identity. */
  identity(name: string, seed?: IdentitySeed): Principal;
  /** Makes an application with a secret, or for tokens of another issuer. */
  servicePrincipal(
    name: string,
    seed?: Pick<IdentitySeed, "roles"> & { readonly federated?: FederatedCredential },
  ): Principal & { readonly secret: string };
  /** Deletes a principal; its role assignments stay, for nobody. */
  deletePrincipal(principal: Principal): void;
  /** Makes a custom role. */
  role(name: string, parts: Partial<Pick<Role, "actions" | "notActions" | "dataActions">>): Role;
  /** Assigns a role. Returns the name of the assignment. */
  assign(principal: Principal, role: string, scope: string, condition?: string): string;
  /** Takes a role away again, wherever it was assigned, or on this scope only. */
  unassign(principal: Principal, role: string, scope?: string): void;
  /** Makes an application that tokens can be asked for, as `api://…`, with roles that it gives. */
  application(identifierUri: string, assigned?: readonly (readonly [Principal, readonly string[]])[]): Application;
  /** A token of Microsoft Entra ID; for container registries where nothing else is said. */
  entraToken(principal: Principal, resource?: string, seconds?: number): Promise<string>;
}

const MODES: Readonly<Record<"rbac" | "abac", Mode>> = {
  rbac: "LegacyRegistryPermissions",
  abac: "AbacRepositoryPermissions",
};

/** The condition that narrows a role to one repository, or to all that begin with a prefix ending in `/`. */
export function repositoryCondition(name: string): string {
  const operator = name.endsWith("/") ? "StringStartsWithIgnoreCase" : "StringEqualsIgnoreCase";
  return `(@Request[Microsoft.ContainerRegistry/registries/repositories:name] ${operator} '${name}')`;
}

export function seeding(world: World, home: string): AzureSeeding {
  const { directory, assignments, roles, subscription } = world;
  const visibleFrom = new Date(0);
  const groupId = (name: string) => `/subscriptions/${subscription}/resourceGroups/${name}`;
  const resourceGroup = (name: string, location = "westeurope") => {
    if (!world.resourceGroups.has(name.toLowerCase())) world.resourceGroups.set(name.toLowerCase(), { name, location });
    return groupId(name);
  };
  const roleOf = (name: string) => {
    const role = roles.find(name);
    if (role === undefined) throw new Error(`There is no role ${name}.`);
    return role;
  };
  const assign: AzureSeeding["assign"] = ({ principalId, type }, role, scope, condition) => {
    const seed = { scope, roleId: roleOf(role).id, principalId, principalType: type, condition, createdBy: "seed" };
    return assignments.add({ ...seed, atOnce: true }).name;
  };
  const grant = (principal: Principal, granted: IdentitySeed["roles"] = {}) => {
    for (const [scope, names] of Object.entries(granted)) for (const name of names) assign(principal, name, scope);
    return principal;
  };
  return {
    subscription,
    tenantId: directory.tenantId,
    resourceGroup,
    async registry(name, { mode = "rbac", ...options } = {}) {
      const group = options.resourceGroup ?? home;
      resourceGroup(group);
      if (world.registries.has(name.toLowerCase())) throw new Error(`There is a registry ${name} already.`);
      const place = { subscription, location: "westeurope", resourceGroup: group };
      return world.addRegistry({ ...place, ...options, name, mode: MODES[mode] });
    },
    registryId(name) {
      const registry = world.registries.get(name.toLowerCase());
      if (registry === undefined) throw new Error(`There is no registry ${name}.`);
      return registryId(registry);
    },
    identity(name, { managed = "user", roles: granted } = {}) {
      const provider = managed === "user" ? "Microsoft.ManagedIdentity/userAssignedIdentities" : "Microsoft.Web/sites";
      const resourceId = `${resourceGroup(home)}/providers/${provider}/${name}`;
      const principal = directory.add({ name, type: "ServicePrincipal", managed, resourceId, visibleFrom });
      return grant(principal, granted);
    },
    servicePrincipal(name, { roles: granted, federated } = {}) {
      const principal = grant(directory.add({ name, type: "ServicePrincipal", visibleFrom }), granted);
      if (federated !== undefined) directory.addFederated(principal, federated);
      return { ...principal, secret: directory.addSecret(principal) };
    },
    deletePrincipal: ({ principalId }) => directory.remove(principalId),
    role: (name, parts) => roles.define(name, parts),
    assign,
    unassign({ principalId }, role, scope) {
      const { id } = roleOf(role);
      for (const assignment of assignments.list()) {
        if (assignment.principalId !== principalId || assignment.roleId !== id) continue;
        if (scope === undefined || assignment.scope.toLowerCase() === scope.toLowerCase()) {
          assignments.remove(assignment, true);
        }
      }
    },
    application(identifierUri, assigned = []) {
      const { clientId } = directory.add({ name: identifierUri, type: "ServicePrincipal", visibleFrom });
      const held = new Map(assigned.map(([{ principalId }, names]) => [principalId, names]));
      const application = { name: identifierUri, clientId, identifierUri, assigned: held };
      directory.applications.push(application);
      return application;
    },
    entraToken: async (principal, resource = ACR_AUDIENCE, seconds = 3600) =>
      (await world.entra.issue(principal, resource, seconds)).token,
  };
}
