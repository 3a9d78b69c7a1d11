import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { once } from "../../../core/once.ts";
import type { OpenContext } from "../../../core/platform.ts";
import { ifProvisioned, proofOf } from "../../../core/provisioned.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/schemas.ts";
import { createOwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { grpcCode, unlessAbsent } from "../errors.ts";
import { createGarNames } from "../names.ts";
import { packageResource, placeOf, registryHost } from "../place.ts";
import type { GarContext } from "./context.ts";
import { generateCredentials, tokenSeconds } from "./credentials.ts";
import { createCrossAccount } from "./cross-account.ts";
import { operate } from "./operations.ts";
import { findRepository, garHealth, isOurs } from "./own-repository.ts";

export const garCapabilities: Capabilities = {
  credentials: {
    authMethod: "basic",
    // Neither IAM conditions nor access boundaries reach an image path: a token opens the whole repository.
    scope: "registry",
    ttlSeconds: { ...tokenSeconds },
  },
  // An image path exists only once pushed.
  tellsAbsence: false,
  crossAccountAccess: "gcp",
  crossAccountScope: "registry",
  unsupported: {},
};

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

/** The registry of a derived binding, which holds only where the repository carries our label. */
export function derivedRegistry(registry: ArtifactRegistry, context: GarContext): ArtifactRegistry {
  const prove = proofOf(async (call) => {
    const own = await findRepository(context, call);
    return own !== undefined && isOurs(own.labels ?? {}, context.place);
  });
  const proven = ifProvisioned(registry, prove);
  // Behind the provision door it is said what is missing.
  return context.env.ALIEN_DOOR === "provision" ? { ...proven, health: registry.health } : proven;
}

/**
 * Deletes exactly this image path, with all its versions and tags, and waits until it is gone. Idempotent.
 *
 * @throws INVALID_INPUT for the bare prefix, which is the registry itself
 */
export async function deletePackage(context: GarContext, name: RoutableName, call: Call): Promise<void> {
  const path = context.names.imagePath(name);
  if (path === "") {
    throw invalidInput(`"${name}" is the registry itself; it is not deleted by itself.`, "repoId");
  }
  const request = { name: packageResource(context.place, path) };
  const options = {
    action: "DeletePackage",
    permission: "artifactregistry.packages.delete",
    expected: [grpcCode.notFound],
  };
  // What is gone already is as it should be.
  await unlessAbsent(operate(context, call, options, (client, more) => client.deletePackage(request, more)));
}
