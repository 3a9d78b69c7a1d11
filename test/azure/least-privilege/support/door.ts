import { ArtifactRegistryError } from "../../../../core/errors.ts";
import { pushImage } from "../../../../oci/client/index.ts";
import type { Principal } from "../../../emulators/azure/index.ts";
import { conditionFor, doorRoles, type RoleMode } from "../../../infra/support/azure-roles.ts";
import { read } from "../../../infra/support/module.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { clientOf, containerRegistry, newCall, openRegistry, seedScopeMap } from "../../support/registry.ts";
import type { AzureStack } from "../../support/stack.ts";
import { customRole } from "./roles.ts";

export const prefix = "images";
/** How many scope maps a Basic registry has room for. */
const room = 100;

/** Gives an identity the roles on the container registry that infra/azure gives its door; one permission may be left out. */
export function assignDoor(
  { azure, registryId }: AzureStack,
  door: string,
  { principal, mode, without }: { readonly principal: Principal; readonly mode: RoleMode; readonly without?: string },
): void {
  const roles = doorRoles[door]?.registry;
  if (roles === undefined) throw new Error(`infra/azure has no ${door} door.`);
  for (const concern of roles.concerns) {
    const { name } = customRole(azure, concern, without);
    azure.unassign(principal, name);
    azure.assign(principal, name, registryId);
  }
  for (const role of roles[mode]) {
    azure.unassign(principal, role);
    azure.assign(principal, role, registryId, conditionFor(role, mode, prefix));
  }
}

/** The operations that need each role, by which the public door gets those that its rules need. */
const neededFor: Readonly<Record<string, readonly string[]>> = JSON.parse(read("infra/azure/roles/operations.json"));

/** Built-in roles that do all that another one does. */
const wider: Readonly<Record<string, readonly string[]>> = {
  AcrPull: ["AcrPush"],
  "Container Registry Repository Reader": [
    "Container Registry Repository Writer",
    "Container Registry Repository Contributor",
  ],
  "Container Registry Repository Writer": ["Container Registry Repository Contributor"],
};

/** The roles of these that no other one of them stands in for. */
export const alone = (roles: readonly string[]): string[] =>
  roles.filter((role) => !(wider[role] ?? []).some((each) => roles.includes(each)));

/** The roles that infra/azure gives the public door where its rules allow this operation only. */
export function rolesFor(operation: string, mode: RoleMode): { concerns: string[]; builtIn: string[] } {
  const { registry } = doorRoles.oidc ?? {};
  const isNeeded = (role: string) => neededFor[role]?.includes(operation) ?? true;
  return {
    concerns: (registry?.concerns ?? []).filter(isNeeded),
    builtIn: (registry?.[mode] ?? []).filter(isNeeded),
  };
}

/** Gives an identity these roles on the container registry, and no others of the public door. */
export function assignRoles(
  { azure, registryId }: AzureStack,
  principal: Principal,
  mode: RoleMode,
  given: { readonly concerns: readonly string[]; readonly builtIn: readonly string[] },
): void {
  const { concerns = [], [mode]: builtIn = [] } = doorRoles.oidc?.registry ?? {};
  for (const concern of concerns) {
    const { name } = customRole(azure, concern);
    azure.unassign(principal, name);
    if (given.concerns.includes(concern)) azure.assign(principal, name, registryId);
  }
  for (const role of builtIn) {
    azure.unassign(principal, role);
    if (given.builtIn.includes(role)) azure.assign(principal, role, registryId, conditionFor(role, mode, prefix));
  }
}

/** What a door does with one repository, as a process that has just started; in the order of a repository's life. */
export function doorWork(stack: AzureStack, as: string, repository: string) {
  // Without its login server, which is then asked for.
  const open = () => openRegistry(stack, { prefix, as, binding: { loginServer: undefined } });
  const mint = async (permissions: "pull" | "push-pull") => {
    const registry = open();
    return registry.generateCredentials({ name: registry.resolveId(repository), permissions }, newCall());
  };
  return {
    create: async () => {
      const registry = open();
      return registry.createRepository(registry.routeName(repository), newCall());
    },
    push: async () => {
      const { password } = await mint("push-pull");
      const path = open().resolveId(repository);
      await pushImage(clientOf(stack, password.reveal()), path, "1.0", buildImage({ seed: repository }));
    },
    pull: () => mint("pull"),
    get: async () => {
      const registry = open();
      return registry.getRepository(registry.resolveId(repository), newCall());
    },
    describe: async () => {
      const health = await open().health(newCall());
      if (health.status !== "healthy")
        throw new ArtifactRegistryError("ACCESS_DENIED", health.findings[0]?.message ?? "");
    },
    list: async () => void (await open().listRepositories?.({ pageSize: 10 }, newCall())),
    images: async () => {
      const registry = open();
      await registry.listImages?.(registry.resolveId(repository), { pageSize: 10 }, newCall());
    },
    deleteImage: async () => {
      const registry = open();
      const { digest } = buildImage({ seed: repository }).manifest;
      for (const reference of [{ tag: "1.0" }, { digest }]) {
        await registry.deleteImage?.(registry.resolveId(repository), reference, newCall());
      }
    },
    delete: async () => {
      const registry = open();
      await registry.deleteRepository(registry.resolveId(repository), newCall());
    },
    /** A registry without room is told with its numbers. */
    fillUp: async () => {
      const names = Array.from({ length: room }, (_, number) => `theirs-${number}`);
      const { scopeMaps } = containerRegistry(stack);
      try {
        for (const name of names) seedScopeMap(stack, name);
        const registry = open();
        const refused = await registry.createRepository(registry.routeName("more"), newCall()).catch((error) => error);
        if (refused.code !== "QUOTA_EXCEEDED") throw refused;
        if (refused.context?.limit === undefined) throw new ArtifactRegistryError("ACCESS_DENIED", refused.message);
      } finally {
        for (const name of names) scopeMaps.delete(name);
      }
    },
  } as const;
}
