import { once } from "../../../core/once.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { createOwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { createGarNames } from "../names.ts";
import { placeOf, registryHost } from "../place.ts";
import { garCapabilities } from "./capabilities.ts";
import type { GarContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { createCrossAccount } from "./cross-account.ts";
import { derivedRegistry } from "./derived.ts";
import { garHealth } from "./health.ts";
import { deletePackage } from "./packages.ts";

/** A registry on a Docker repository of Google Artifact Registry: the repositories in it are image paths. */
export function createGarRegistry({ binding, derived, others, env }: OpenContext<GarBinding>): ArtifactRegistry {
  const place = placeOf(binding, env);
  const names = createGarNames(place, others);
  const host = registryHost(place);
  const identity = createOwnIdentity(env);
  const context: GarContext = {
    binding,
    place,
    names,
    env,
    identity,
    controlPlane: once(async () => (await import("./control-plane.ts")).createControlPlane(identity, env)),
  };
  // An image path exists only once it is pushed, so that there is nothing to create and nothing to find.
  const answer = (name: string) => ({ name, uri: `${host}/${name}` });

  const registry: ArtifactRegistry = {
    service: "gar",
    capabilities: garCapabilities,
    upstreamRepositoryPrefix: names.prefix,
    routeName: names.routeName,
    resolveId: names.resolveId,
    registryEndpoint: async () => `https://${host}`,
    createRepository: async (name) => answer(name),
    getRepository: async (name) => answer(name),
    deleteRepository: (name, call) => deletePackage(context, name, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
    crossAccount: createCrossAccount(context),
    // Loaded when the registry itself is made or looked at: no part of a credential request.
    provisioning: {
      provision: async (options, call) =>
        (await import("../provisioning/provision.ts")).provision(context, options, call),
      deprovision: async (options, call) =>
        (await import("../provisioning/deprovision.ts")).deprovision(context, options, call),
    },
    async health(call) {
      // Only this door's account may look at IAM.
      if (env.ALIEN_DOOR !== "provision") return garHealth(context, call);
      const { findDrift } = await import("../provisioning/drift.ts");
      return garHealth(context, call, () => findDrift(context, call));
    },
  };
  return derived ? derivedRegistry(registry, context) : registry;
}
