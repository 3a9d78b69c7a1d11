import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { lookFor } from "../../core/health.ts";
import { fitName, type NameSpace, ociGrammar, resolveRepositoryId, routeLogicalName } from "../../core/names.ts";
import type { OpenContext } from "../../core/platform.ts";
import type { ArtifactRegistry } from "../../core/registry.ts";
import { Secret } from "../../core/secret.ts";
import { repositoryMarker } from "../../oci/client/index.ts";
import { mintToken, type TokenKey } from "../../oci/token/index.ts";
import type { LocalRegistryLocation } from "./binding.ts";
import { localCapabilities } from "./capabilities.ts";
import { createProvisioning } from "./provisioning.ts";
import { audience, createRegistryClient, type RegistryClient, repositoryAccess } from "./registry-client.ts";

/** Prefix of a registry's repositories: its own name, in the grammar of repositories. */
export function localPrefix(registryName: string): string {
  return fitName(registryName, { ...ociGrammar, nested: false });
}

/**
 * A namespace in a local OCI registry.
 *
 * @param loadKey the registry's signing key, read when it is first needed
 */
export function createLocalRegistry(
  { name, others }: Pick<OpenContext, "name" | "others">,
  location: LocalRegistryLocation,
  loadKey: () => Promise<TokenKey>,
): ArtifactRegistry {
  const registryUrl = location.registryUrl.replace(/\/+$/, "");
  const { host } = new URL(registryUrl);
  const prefix = localPrefix(name);
  const space: NameSpace = { prefix, separator: "/", grammar: ociGrammar, host, others };
  const registry = createRegistryClient(registryUrl, loadKey);
  const answer = (repository: string, createdAt: string) => ({
    name: repository,
    uri: `${host}/${repository}`,
    createdAt: new Date(createdAt).toISOString(),
  });

  return {
    service: "local",
    capabilities: localCapabilities,
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async () => registryUrl,

    async createRepository(repository, call) {
      const existing = await registry.repositoryCreatedAt(call, repository);
      if (existing !== undefined) return answer(repository, existing);
      await pushMarker(registry, repository, call);
      const createdAt = await registry.repositoryCreatedAt(call, repository);
      if (createdAt !== undefined) return answer(repository, createdAt);
      // Somebody deleted it between the two requests; that somebody wins.
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", `"${repository}" was deleted while it was created.`, {
        retryable: true,
      });
    },

    async getRepository(repository, call) {
      const createdAt = await registry.repositoryCreatedAt(call, repository);
      if (createdAt !== undefined) return answer(repository, createdAt);
      throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${repository}".`, {
        hint: "Create it with createRepository.",
      });
    },

    deleteRepository: (repository, call) => registry.deleteRepository(call, repository),

    async generateCredentials({ name, permissions, ttlSeconds }, call) {
      const ttl = localCapabilities.credentials.ttlSeconds ?? { min: 1, max: 1, default: 1 };
      const seconds = Math.min(Math.max(ttlSeconds ?? ttl.default, ttl.min), ttl.max);
      // Tokens end at a whole second; rounding up keeps a credential of one second from being dead on arrival.
      const expiresAt = new Date(Math.ceil(call.now().getTime() / 1_000 + seconds) * 1_000);
      const token = mintToken(await loadKey(), {
        subject: JSON.stringify([call.caller.issuer, call.caller.subject]),
        audience,
        access: [repositoryAccess(name, ...(permissions === "pull" ? ["pull"] : ["pull", "push"]))],
        now: call.now(),
        expiresAt,
      });
      return { authMethod: "basic", username: "token", password: new Secret(token), expiresAt, scope: "repository" };
    },

    provisioning: createProvisioning(prefix, { registryUrl, dataDir: location.dataDir }, registry),

    async health(call) {
      const { findings, failed } = await lookFor(async () => {
        await registry.oci(call, "GET /v2/", repositoryAccess(prefix, "pull"), (client) => client.ping());
        return [];
      });
      return { status: failed ? "unhealthy" : "healthy", findings };
    },
  };
}

async function pushMarker(registry: RegistryClient, repository: string, call: Call): Promise<void> {
  const { config, manifest } = repositoryMarker;
  await registry.oci(call, "push marker", repositoryAccess(repository, "pull", "push"), async (client) => {
    await client.pushBlob(repository, { digest: config.digest, body: config.bytes });
    await client.pushManifest(repository, manifest.digest, manifest);
  });
}
