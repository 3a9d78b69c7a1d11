import { healthOf } from "../../../core/health.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { createArm } from "../arm/arm.ts";
import type { AcrBinding } from "../binding.ts";
import { createOwnIdentity } from "../identity.ts";
import { createAcrNames } from "../names.ts";
import { acrCapabilities } from "./capabilities.ts";
import type { AcrContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { derivedRegistry } from "./derived.ts";
import { exchangeIdentity } from "./exchange.ts";
import { acrHealth } from "./health.ts";
import { createLoginServer } from "./login-server.ts";
import { createRefreshTokens } from "./refresh-tokens.ts";
import { createRepository, deleteRepository, getRepository } from "./repositories.ts";

/** A registry on Azure Container Registry, or the part of one under a prefix. */
export function createAcrRegistry({ binding, derived, others, env }: OpenContext<AcrBinding>): ArtifactRegistry {
  const names = createAcrNames(binding, others);
  const identity = createOwnIdentity(env);
  const http = createHttpClient({ env });
  const arm = createArm(identity, binding.loginServer, env);
  const loginServer = createLoginServer(binding, arm);
  const refreshTokens = createRefreshTokens((call) => exchangeIdentity({ identity, env, http, loginServer }, call));
  const context: AcrContext = { binding, names, env, identity, http, arm, refreshTokens, loginServer };

  const registry: ArtifactRegistry = {
    service: "acr",
    capabilities: acrCapabilities,
    upstreamRepositoryPrefix: names.prefix,
    routeName: names.routeName,
    resolveId: names.resolveId,
    registryEndpoint: async (call) => `https://${await loginServer(call)}`,
    createRepository: (name, call) => createRepository(context, name, call),
    getRepository: (name, call) => getRepository(context, name, call),
    deleteRepository: (name, call) => deleteRepository(context, name, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
    // Loaded when the registry itself is made or looked at: no part of a credential request.
    provisioning: {
      provision: async (options, call) =>
        (await import("../provisioning/provision.ts")).provision(context, options, call),
      deprovision: async (options, call) =>
        (await import("../provisioning/deprovision.ts")).deprovision(context, options, call),
    },
    async health(call) {
      // Only this door's identity may look at role assignments, and it neither pushes nor pulls.
      if (env.ALIEN_DOOR !== "provision") return acrHealth(context, call);
      const { findDrift } = await import("../provisioning/drift.ts");
      return healthOf(await findDrift(context, call));
    },
  };
  return derived ? derivedRegistry(registry, context) : registry;
}
