import { randomBytes, randomUUID } from "node:crypto";

export type Sku = "Basic" | "Standard" | "Premium";
/** Whether AcrPull and its like count, or the roles with conditions on repositories. */
export type Mode = "LegacyRegistryPermissions" | "AbacRepositoryPermissions";

/** An image, by its digest. */
export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly createdTime: Date;
  lastUpdateTime: Date;
}

export interface Tag {
  readonly name: string;
  digest: string;
  readonly createdTime: Date;
  lastUpdateTime: Date;
}

/** A repository exists from its first push on. */
export interface Repository {
  readonly name: string;
  readonly createdTime: Date;
  lastUpdateTime: Date;
  readonly manifests: Map<string, Manifest>;
  readonly tags: Map<string, Tag>;
  /** What is allowed at all, whatever the caller's rights. */
  readonly locks: { deleteEnabled: boolean; writeEnabled: boolean; listEnabled: boolean; readEnabled: boolean };
}

export interface ScopeMap {
  readonly name: string;
  readonly type: "UserDefined" | "SystemDefined";
  readonly creationDate: Date;
  description: string | undefined;
  actions: readonly string[];
  provisioningState: "Creating" | "Updating" | "Deleting" | "Succeeded" | "Failed";
}

/** A container registry. Names are case-insensitive; `name` is as it was made. */
export interface Registry {
  readonly name: string;
  readonly loginServer: string;
  /** Of this very registry: another of the same name has another. */
  readonly rid: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly creationDate: Date;
  sku: Sku;
  mode: Mode;
  adminUserEnabled: boolean;
  anonymousPullEnabled: boolean;
  /** Whether a token for Azure Resource Manager opens the registry. */
  armAudience: boolean;
  publicNetworkAccess: "Enabled" | "Disabled";
  /** For how many days deleted images are kept; undefined where soft delete is off. */
  softDeleteDays?: number;
  tags: Readonly<Record<string, string>>;
  provisioningState: "Creating" | "Updating" | "Deleting" | "Succeeded" | "Failed";
  /** The properties that are kept as they were sent. */
  others: Readonly<Record<string, unknown>>;
  readonly adminPassword: string;
  readonly repositories: Map<string, Repository>;
  readonly scopeMaps: Map<string, ScopeMap>;
}

export type RegistrySeed = Pick<Registry, "name" | "subscription" | "resourceGroup" | "location"> &
  Partial<
    Pick<
      Registry,
      | "sku"
      | "mode"
      | "adminUserEnabled"
      | "anonymousPullEnabled"
      | "armAudience"
      | "tags"
      | "others"
      | "publicNetworkAccess"
    >
  >;

/** Maps that every registry has, and that nobody can change. */
const SYSTEM_MAPS: Readonly<Record<string, readonly string[]>> = {
  _repositories_admin: [
    "repositories/*/metadata/read",
    "repositories/*/metadata/write",
    "repositories/*/content/read",
    "repositories/*/content/write",
    "repositories/*/content/delete",
  ],
  _repositories_pull: ["repositories/*/content/read"],
  _repositories_pull_metadata_read: ["repositories/*/content/read", "repositories/*/metadata/read"],
  _repositories_push: ["repositories/*/content/read", "repositories/*/content/write"],
  _repositories_push_metadata_write: [
    "repositories/*/metadata/read",
    "repositories/*/metadata/write",
    "repositories/*/content/read",
    "repositories/*/content/write",
  ],
};

export function newRegistry(seed: RegistrySeed, loginServer: string, now: Date): Registry {
  const systemMaps = Object.entries(SYSTEM_MAPS).map(([name, actions]): [string, ScopeMap] => [
    name,
    { name, type: "SystemDefined", creationDate: now, description: undefined, actions, provisioningState: "Succeeded" },
  ]);
  return {
    sku: "Basic",
    mode: "LegacyRegistryPermissions",
    adminUserEnabled: false,
    anonymousPullEnabled: false,
    armAudience: true,
    publicNetworkAccess: "Enabled",
    tags: {},
    others: {},
    ...seed,
    loginServer,
    rid: randomUUID(),
    creationDate: now,
    provisioningState: "Succeeded",
    adminPassword: randomBytes(24).toString("base64url"),
    repositories: new Map(),
    scopeMaps: new Map(systemMaps),
  };
}

export function registryId({ subscription, resourceGroup, name }: Omit<RegistrySeed, "location">): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}
