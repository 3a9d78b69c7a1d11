import type { Call } from "./call.ts";
import type { RoutableName } from "./names.ts";
import type {
  Capabilities,
  CrossAccountAccess,
  CrossAccountPermissions,
  Health,
  Permissions,
  RepositoryResponse,
} from "./schemas.ts";
import type { Secret } from "./secret.ts";

export type { Health };

/** Credentials on the inside: the password prints as `[redacted]` until the answer is written. */
export interface MintedCredentials {
  readonly authMethod: "basic" | "bearer";
  readonly username: string;
  readonly password: Secret;
  /** Absent only for static accounts. */
  readonly expiresAt?: Date;
  readonly scope: "repository" | "registry";
}

/** What credentials are wanted for. */
export interface CredentialRequest {
  readonly name: RoutableName;
  readonly permissions: Permissions;
  /** Positive whole number; absent means the platform's default. */
  readonly ttlSeconds?: number | undefined;
}

/**
 * One registry on one platform: the interface that every adapter implements. The functions that map names are pure
 * and make no call; every other one reaches the platform only through `call.upstream`, and throws
 * `ArtifactRegistryError` and nothing else. An adapter is a plain object without `this`, so that it can be decorated.
 */
export interface ArtifactRegistry {
  readonly service: string;
  readonly capabilities: Capabilities;
  /** OCI repository path under which everything of this registry lives; may be empty. */
  readonly upstreamRepositoryPrefix: string;

  /** @throws INVALID_INPUT when the name is hostile or ambiguous */
  routeName(logical: string): RoutableName;
  /** @throws INVALID_INPUT when the id lies outside the registry's own space */
  resolveId(repoId: string): RoutableName;

  /** URL of the registry, as clients reach it. */
  registryEndpoint(call: Call): Promise<string>;

  /** Idempotent: an existing repository answers with its real `uri` and `createdAt`. */
  createRepository(name: RoutableName, call: Call): Promise<RepositoryResponse>;
  /** @throws RESOURCE_NOT_FOUND where the platform can tell */
  getRepository(name: RoutableName, call: Call): Promise<RepositoryResponse>;
  /** Deletes exactly this repository with all its images. Idempotent. */
  deleteRepository(name: RoutableName, call: Call): Promise<void>;
  generateCredentials(request: CredentialRequest, call: Call): Promise<MintedCredentials>;

  /** Absent where `capabilities.unsupported` says so. */
  readonly crossAccount?: CrossAccountControl;
  /** Absent where `capabilities.unsupported` says so. */
  readonly provisioning?: Provisioning;

  health(call: Call): Promise<Health>;
}

export interface CrossAccountControl {
  /** Union with what `access` spells out. Idempotent. */
  add(name: RoutableName, access: CrossAccountAccess, call: Call): Promise<void>;
  /** Errs on the side of revoking. Idempotent. */
  remove(name: RoutableName, access: CrossAccountAccess, call: Call): Promise<void>;
  get(name: RoutableName, call: Call): Promise<CrossAccountPermissions>;
}

export interface Provisioning {
  /** @returns the binding under which the registry is reached */
  provision(options: ProvisionOptions, call: Call): Promise<Record<string, unknown>>;
  /** @throws RESOURCE_CONFLICT while images exist, unless told to delete them */
  deprovision(options: DeprovisionOptions, call: Call): Promise<void>;
}

export interface ProvisionOptions {
  readonly replicationRegions?: readonly string[];
}

export interface DeprovisionOptions {
  readonly deleteRepositories?: boolean;
}
