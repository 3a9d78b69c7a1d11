import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { checkHealth } from "../../core/health.ts";
import { fitName, type NameSpace, ociGrammar, resolveRepositoryId, routeLogicalName } from "../../core/names.ts";
import type { OpenContext } from "../../core/platform.ts";
import type { ArtifactRegistry, Provisioning } from "../../core/registry.ts";
import type { Capabilities } from "../../core/schemas.ts";
import { Secret } from "../../core/secret.ts";
import { repositoryMarker } from "../../oci/client/index.ts";
import { type Access, mintToken, type TokenKey } from "../../oci/token/index.ts";
import { audience, createRegistryClient, type RegistryClient, repositoryAccess } from "./registry-client.ts";

/** Where a local registry is and where its signing key lies. */
export interface LocalRegistryLocation {
  readonly registryUrl: string;
  readonly dataDir: string;
}

const lifetimes = { min: 1, max: 43_200, default: 3_600 } as const;

const noAccounts = {
  reason: "The local registry has no other accounts: cross-account access does not apply.",
  hint: "Mint pull credentials for the consumer with generateCredentials.",
};

const capabilities: Capabilities = {
  credentials: { authMethod: "basic", scope: "repository", ttlSeconds: lifetimes },
  tellsAbsence: true,
  unsupported: {
    addCrossAccountAccess: noAccounts,
    removeCrossAccountAccess: noAccounts,
    getCrossAccountAccess: noAccounts,
  },
};

/** The prefix of a registry's repositories: the registry's own name, in the grammar of repository names. */
export function localPrefix(registryName: string): string {
  return fitName(registryName, { ...ociGrammar, nested: false });
}

/**
 * The adapter for one namespace of a local OCI registry.
 *
 * @param loadKey loads the registry's signing key; it is called when the key is first needed
 */
export function createLocalRegistry(
  { name, others }: Pick<OpenContext, "name" | "others">,
  location: LocalRegistryLocation,
  loadKey: () => Promise<TokenKey>,
): ArtifactRegistry {
  const registryUrl = location.registryUrl.replace(/\/+$/, "");
  const { host } = new URL(registryUrl);
  const prefix = localPrefix(name);
  const space: NameSpace = { prefix, separator: "/", grammar: ociGrammar, hosts: [host], others };
  const registry = createRegistryClient(registryUrl, loadKey);
  const toRepository = (repository: string, createdAt: string) => ({
    name: repository,
    uri: `${host}/${repository}`,
    createdAt: new Date(createdAt).toISOString(),
  });

  return {
    service: "local",
    capabilities,
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async () => registryUrl,

    async createRepository(repository, call) {
      const existing = await registry.repositoryCreatedAt(call, repository);
      if (existing !== undefined) return toRepository(repository, existing);
      await pushMarker(registry, repository, call);
      const createdAt = await registry.repositoryCreatedAt(call, repository);
      if (createdAt !== undefined) return toRepository(repository, createdAt);
      // Somebody deleted it between the two requests. The deletion wins.
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", `"${repository}" was deleted while it was created.`, {
        retryable: true,
      });
    },

    async getRepository(repository, call) {
      const createdAt = await registry.repositoryCreatedAt(call, repository);
      if (createdAt !== undefined) return toRepository(repository, createdAt);
      throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${repository}".`, {
        hint: "Create it with createRepository.",
      });
    },

    deleteRepository: (repository, call) => registry.deleteRepository(call, repository),

    async generateCredentials({ name, permissions, alsoPull = [], ttlSeconds }, call) {
      const seconds = Math.min(Math.max(ttlSeconds ?? lifetimes.default, lifetimes.min), lifetimes.max);
      // A token expires at a whole second. Without rounding up, a credential of one second could expire before it is used.
      const expiresAt = new Date(Math.ceil(call.now().getTime() / 1_000 + seconds) * 1_000);
      const token = mintToken(await loadKey(), {
        subject: JSON.stringify([call.caller.issuer, call.caller.subject]),
        audience,
        access: [
          repositoryAccess(name, ...(permissions === "pull" ? ["pull"] : ["pull", "push"])),
          ...alsoPull.map((each) => repositoryAccess(each, "pull")),
        ],
        now: call.now(),
        expiresAt,
      });
      return { authMethod: "basic", username: "token", password: new Secret(token), expiresAt, scope: "repository" };
    },

    provisioning: createProvisioning(prefix, { registryUrl, dataDir: location.dataDir }, registry),

    health: (call) =>
      checkHealth([], "unhealthy", async () => {
        await registry.oci(call, "GET /v2/", repositoryAccess(prefix, "pull"), (client) => client.ping());
        return [];
      }),
  };
}

async function pushMarker(registry: RegistryClient, repository: string, call: Call): Promise<void> {
  const { config, manifest } = repositoryMarker;
  await registry.oci(call, "push marker", repositoryAccess(repository, "pull", "push"), async (client) => {
    await client.pushBlob(repository, { digest: config.digest, body: config.bytes });
    await client.pushManifest(repository, manifest.digest, manifest);
  });
}

/** The local server runs the registry itself. So provisioning only answers a binding, and deprovisioning only deletes repositories. */
function createProvisioning(prefix: string, location: LocalRegistryLocation, registry: RegistryClient): Provisioning {
  const listRepositories = async (call: Call): Promise<string[]> => {
    const catalog: Access = { type: "registry", name: "catalog", actions: ["*"] };
    const all = await registry.oci(call, "list repositories", catalog, (client) => client.catalog());
    return all.filter((name) => name === prefix || name.startsWith(`${prefix}/`));
  };

  return {
    provision: async () => ({ service: "local", ...location }),

    async deprovision({ deleteRepositories = false }, call) {
      const existing = await listRepositories(call);
      if (existing.length > 0 && !deleteRepositories) {
        throw new ArtifactRegistryError(
          "RESOURCE_CONFLICT",
          `The registry still holds ${existing.length} repositories.`,
          {
            hint: "Delete them first, or pass deleteRepositories: true.",
            context: { repositories: existing.length },
          },
        );
      }
      for (const name of existing) await registry.deleteRepository(call, name);
    },
  };
}
