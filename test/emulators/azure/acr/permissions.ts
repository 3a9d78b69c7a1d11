import type { Access } from "../../../../oci/token/index.ts";
import type { CallRecord } from "../call.ts";
import type { World } from "../world.ts";
import { type Registry, registryId } from "./registry.ts";

const PROVIDER = "Microsoft.ContainerRegistry/registries";

/** What roles for a whole registry amount to: AcrPull, AcrPush, AcrDelete. */
export type Right = "read" | "write" | "delete";

const RIGHTS: Readonly<Record<Right, string>> = {
  read: "pull/read",
  write: "push/write",
  delete: "artifacts/delete",
};

/**
 * What each action of a token needs where roles are for the whole registry: AcrPull reads metadata too, AcrPush writes it.
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-directory-reference
 */
const BY_RIGHT: Readonly<Record<string, Right>> = {
  pull: "read",
  metadata_read: "read",
  push: "write",
  metadata_write: "write",
  delete: "delete",
};

/** What it needs where roles may have conditions on repositories. */
const BY_REPOSITORY: Readonly<Record<string, readonly string[]>> = {
  pull: ["repositories/content/read"],
  metadata_read: ["repositories/metadata/read"],
  push: ["repositories/content/write"],
  metadata_write: ["repositories/metadata/write"],
  delete: ["repositories/content/delete", "repositories/metadata/delete"],
};
const CATALOG = "catalog/read";

export const isAbac = ({ mode }: Registry) => mode === "AbacRepositoryPermissions";

/** What a principal may do in the whole registry, now. In the mode that goes by repositories this is nothing. */
export function registryRights(world: World, registry: Registry, principalId: string, record?: CallRecord) {
  if (isAbac(registry)) return [];
  const scope = registryId(registry);
  return (Object.keys(RIGHTS) as Right[]).filter((right) => {
    const action = `${PROVIDER}/${RIGHTS[right]}`;
    const allowed = world.assignments.allows({ principalId, action, kind: "action", scope });
    record?.authorizations.push({ action, scope, allowed });
    return allowed;
  });
}

/** What rights on the whole registry open of one repository or the catalog. */
export function accessByRights(rights: readonly Right[], { type, name }: Pick<Access, "type" | "name">): Access {
  if (type === "registry") return { type, name, actions: name === "catalog" && rights.includes("read") ? ["*"] : [] };
  const actions = Object.entries(BY_RIGHT).filter(([, right]) => rights.includes(right));
  return { type, name, actions: actions.map(([action]) => action) };
}

/** What the roles of a principal open of one repository or the catalog, now, where they may have conditions. */
export function accessByRepository(
  world: World,
  registry: Registry,
  principalId: string,
  { type, name }: Pick<Access, "type" | "name">,
  record?: CallRecord,
): Access {
  const scope = registryId(registry);
  const ask = (what: string, repository?: string) => {
    const action = `${PROVIDER}/${what}`;
    const allowed = world.assignments.allows({ principalId, action, kind: "data", scope, repository });
    record?.authorizations.push({ action, scope, allowed });
    return allowed;
  };
  if (type === "registry") return { type, name, actions: name === "catalog" && ask(CATALOG) ? ["*"] : [] };
  const actions = Object.entries(BY_REPOSITORY).filter(([, needed]) => needed.every((what) => ask(what, name)));
  return { type, name, actions: actions.map(([action]) => action) };
}

/** Whether any role of a principal opens anything in the registry, now or under some condition. */
export function holdsAnything(world: World, registry: Registry, principalId: string): boolean {
  if (!isAbac(registry)) return registryRights(world, registry, principalId).length > 0;
  const scope = registryId(registry);
  return [...Object.values(BY_REPOSITORY).flat(), CATALOG].some((what) =>
    world.assignments.mayAllow({ principalId, action: `${PROVIDER}/${what}`, kind: "data", scope }),
  );
}
