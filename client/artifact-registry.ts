import { type Connection, type ConnectOptions, connect, type RegistryFacts } from "./connection.ts";
import type { CallOptions } from "./http.ts";
import type {
  ArtifactRegistryCredentials,
  CrossAccountAccess,
  CrossAccountPermissions,
  Permissions,
  RepositoryResponse,
} from "./types.ts";

/** One registry, and what can be done with it. Every method throws `ArtifactRegistryError`. */
export interface Registry extends RegistryFacts {
  /** Idempotent: an existing repository answers as it is. @param name logical name, 1 to 256 characters */
  createRepository(name: string, options?: CallOptions): Promise<RepositoryResponse>;
  getRepository(repoId: string, options?: CallOptions): Promise<RepositoryResponse>;
  /** Deletes exactly this repository with all its images. Idempotent. */
  deleteRepository(repoId: string, options?: CallOptions): Promise<void>;
  /** @param ttlSeconds wished lifetime; raised or capped to what the platform allows, `expiresAt` tells */
  generateCredentials(
    repoId: string,
    permissions: Permissions,
    ttlSeconds?: number,
    options?: CallOptions,
  ): Promise<ArtifactRegistryCredentials>;
  /** Union with what `access` spells out. Idempotent. */
  addCrossAccountAccess(repoId: string, access: CrossAccountAccess, options?: CallOptions): Promise<void>;
  /** Errs on the side of revoking. Idempotent. */
  removeCrossAccountAccess(repoId: string, access: CrossAccountAccess, options?: CallOptions): Promise<void>;
  getCrossAccountAccess(repoId: string, options?: CallOptions): Promise<CrossAccountPermissions>;
  /** Creates the repository, then adds each access. Idempotent. */
  setupRepository(name: string, access?: CrossAccountAccess[], options?: CallOptions): Promise<RepositoryResponse>;
}

/**
 * A registry by the name that its stack gave it.
 *
 * @param name 1 to 64 characters of A-Z, a-z, 0-9, - and _; found by `ALIEN_{NAME}_BINDING`, or by the options
 * @throws BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID, and what `describeRegistry` answers where the binding does not
 *   tell the registry's endpoint
 */
export async function artifactRegistry(name: string, options: ConnectOptions = {}): Promise<Registry> {
  const connection = await connect(name, options);
  return registryOver(connection, connection.facts ?? (await connection.call("describeRegistry", {})));
}

function registryOver({ call }: Connection, { registryEndpoint, upstreamRepositoryPrefix }: RegistryFacts): Registry {
  return {
    registryEndpoint,
    upstreamRepositoryPrefix,
    createRepository: (name, options) => call("createRepository", { name }, options),
    getRepository: (repoId, options) => call("getRepository", { repoId }, options),
    async deleteRepository(repoId, options) {
      await call("deleteRepository", { repoId }, options);
    },
    generateCredentials: (repoId, permissions, ttlSeconds, options) =>
      call("generateCredentials", { repoId, permissions, ttlSeconds }, options),
    async addCrossAccountAccess(repoId, access, options) {
      await call("addCrossAccountAccess", { repoId, access }, options);
    },
    async removeCrossAccountAccess(repoId, access, options) {
      await call("removeCrossAccountAccess", { repoId, access }, options);
    },
    getCrossAccountAccess: (repoId, options) => call("getCrossAccountAccess", { repoId }, options),
    setupRepository: (name, access, options) => call("setupRepository", { name, access }, options),
  };
}
