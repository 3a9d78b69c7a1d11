import { healthOf } from "../../../core/health.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { OpenContext } from "../../../core/platform.ts";
import { ifProvisioned, proofOf } from "../../../core/provisioned.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import { createArm } from "../arm/requests.ts";
import type { AcrBinding } from "../binding.ts";
import { createOwnIdentity } from "../identity.ts";
import { createAcrNames } from "../names.ts";
import type { AcrContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { createRefreshTokens, exchangeIdentity } from "./refresh-tokens.ts";
import { createLoginServer, findRegistry, hasOwnTag } from "./registry.ts";

const byRoles = {
  reason: "Azure Container Registry has no policy for a repository: role assignments decide who else may pull.",
  hint:
    "Assign AcrPull on the registry to the consumer's identity, or, where the registry takes role assignments for " +
    "repositories (ABAC), Container Registry Repository Reader with a condition on the repository's name. For a " +
    "consumer of another tenant, docs/azure.md#consumers-of-another-tenant has three ways.",
};

const endedByAzure = {
  reason: "Azure Container Registry checks these tokens, and can end none of them before its time.",
  hint:
    "Wait for expiresAt. To stop pushes until then, lock the repository: az acr repository update --name REGISTRY " +
    "--repository NAME --write-enabled false. docs/security.md has the commands.",
};

const capabilities: Capabilities = {
  // The registry decides how long a token lives, so no lifetime can be chosen.
  credentials: { authMethod: "bearer", scope: "repository" },
  tellsAbsence: true,
  unsupported: {
    addCrossAccountAccess: byRoles,
    removeCrossAccountAccess: byRoles,
    getCrossAccountAccess: byRoles,
    listGranteeAccess: byRoles,
    removeGranteeAccess: byRoles,
    revokeCredentials: endedByAzure,
  },
};

/** Opens a registry on Azure Container Registry, or the part of one that is under a prefix. */
export function createAcrRegistry({ binding, derived, others, env }: OpenContext<AcrBinding>): ArtifactRegistry {
  const names = createAcrNames(binding, others);
  const identity = createOwnIdentity(env);
  const http = createHttpClient({ env });
  const arm = createArm(identity, binding.loginServer, env);
  const loginServer = createLoginServer(binding, arm);
  const refreshTokens = createRefreshTokens((call) => exchangeIdentity({ identity, env, http, loginServer }, call));
  const context: AcrContext = { binding, names, env, identity, http, arm, refreshTokens, loginServer };

  // A request for credentials needs none of the parts that are imported below, so they are loaded when they are used.
  const repositories = () => import("./repositories.ts");
  const images = () => import("./images.ts");
  const registry: ArtifactRegistry = {
    service: "acr",
    capabilities,
    upstreamRepositoryPrefix: names.prefix,
    routeName: names.routeName,
    resolveId: names.resolveId,
    registryEndpoint: async (call) => `https://${await loginServer(call)}`,
    createRepository: async (name, call) => (await repositories()).createRepository(context, name, call),
    getRepository: async (name, call) => (await repositories()).getRepository(context, name, call),
    deleteRepository: async (name, call) => (await repositories()).deleteRepository(context, name, call),
    listRepositories: async (page, call) => (await repositories()).listRepositories(context, page, call),
    listImages: async (name, page, call) => (await images()).listImages(context, name, page, call),
    deleteImage: async (name, reference, call) => (await images()).deleteImage(context, name, reference, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
    provisioning: {
      provision: async (options, call) =>
        (await import("../provisioning/provision.ts")).provision(context, options, call),
      deprovision: async (options, call) =>
        (await import("../provisioning/deprovision.ts")).deprovision(context, options, call),
    },
    async health(call) {
      // Only the identity of the provision door may read role assignments, and it may neither push nor pull.
      if (env.ALIEN_DOOR !== "provision") return (await import("./health.ts")).acrHealth(context, call);
      return healthOf(await (await import("../provisioning/drift.ts")).findDrift(context, call));
    },
  };
  return derived ? requireOwnTag(registry, context) : registry;
}

/** Opens the registry of a derived binding only if the container registry carries our tag. */
function requireOwnTag(registry: ArtifactRegistry, context: AcrContext): ArtifactRegistry {
  const prove = proofOf(async (call) => {
    const found = await findRegistry(context, call);
    if (found === undefined || !hasOwnTag(found, context.names.prefix)) return false;
    context.loginServer.learn(found.loginServer);
    return true;
  });
  return {
    ...ifProvisioned(registry, prove),
    // The proof also finds the endpoint, so one request is enough.
    async registryEndpoint(call) {
      await prove(call);
      return registry.registryEndpoint(call);
    },
  };
}
