import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { once } from "../../../core/once.ts";
import type { OpenContext } from "../../../core/platform.ts";
import { ifProvisioned, proofOf } from "../../../core/provisioned.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import { createOwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { createGarNames } from "../names.ts";
import { isMigrated, placeOf, registryHost, repositoryResource } from "../place.ts";
import type { GarContext } from "./context.ts";
import { generateCredentials, tokenSeconds } from "./credentials.ts";
import { createCrossAccount } from "./cross-account.ts";
import { findOwnRepository, garHealth, hasOwnershipLabel, kindFindings } from "./own-repository.ts";

const capabilities: Capabilities = {
  credentials: {
    authMethod: "basic",
    // Neither IAM conditions nor access boundaries reach an image path, so a token opens the whole repository.
    scope: "registry",
    ttlSeconds: { ...tokenSeconds },
  },
  // An image path exists only once something was pushed.
  tellsAbsence: false,
  crossAccountAccess: "gcp",
  crossAccountScope: "registry",
  unsupported: {
    revokeCredentials: {
      reason: "Google checks these tokens, and has no call that ends one of them.",
      hint:
        "Disable the pull or push service account (gcloud iam service-accounts disable): all of its tokens are refused, " +
        "until it is enabled again. Each ends by itself within an hour. docs/security.md has the commands.",
    },
  },
};

/** A registry in one Docker repository of Google Artifact Registry. The repositories in it are image paths. */
export function createGarRegistry({ binding, derived, others, env }: OpenContext<GarBinding>): ArtifactRegistry {
  const place = placeOf(binding, env);
  const names = createGarNames(place, others);
  const host = registryHost(place);
  const identity = createOwnIdentity(env);
  const context: GarContext = {
    binding,
    derived,
    place,
    resource: repositoryResource(place),
    names,
    env,
    identity,
    controlPlane: once(async () => (await import("./control-plane.ts")).createControlPlane(identity, env)),
  };
  // A request for credentials does without it.
  const content = () => import("./content.ts");
  // An image path exists only once something was pushed, so there is nothing to create.
  const describe = async (name: RoutableName, call: Call) => (await content()).describeRepository(context, name, call);

  const registry: ArtifactRegistry = {
    service: "gar",
    capabilities,
    upstreamRepositoryPrefix: names.prefix,
    routeName: names.routeName,
    resolveId: names.resolveId,
    registryEndpoint: async () => `https://${host}`,
    createRepository: describe,
    getRepository: describe,
    deleteRepository: async (name, call) => (await content()).deletePackage(context, name, call),
    listRepositories: async (page, call) => (await content()).listRepositories(context, page, call),
    listImages: async (name, page, call) => (await content()).listImages(context, name, page, call),
    deleteImage: async (name, reference, call) => (await content()).deleteImage(context, name, reference, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
    crossAccount: createCrossAccount(context),
    // Loaded only when the registry itself is provisioned or checked: a request for credentials does without it.
    provisioning: {
      provision: async (options, call) =>
        (await import("../provisioning/provision.ts")).provision(context, options, call),
      deprovision: async (options, call) =>
        (await import("../provisioning/deprovision.ts")).deprovision(context, options, call),
    },
    async health(call) {
      // Only the account behind the provision door may read IAM. What we do not provision cannot differ from what we would.
      if (env.ALIEN_DOOR !== "provision" || isMigrated(place)) return garHealth(context, call);
      const { findDrift } = await import("../provisioning/drift.ts");
      return garHealth(context, call, () => findDrift(context, call));
    },
  };
  return derived ? derivedRegistry(registry, context) : registry;
}

/** The registry of a derived binding. It works only where the repository carries our label. */
function derivedRegistry(registry: ArtifactRegistry, context: GarContext): ArtifactRegistry {
  const prove = proofOf(async (call) => {
    const own = await findOwnRepository(context, call);
    if (own === undefined || !hasOwnershipLabel(own, context.place)) return false;
    const [wrong] = kindFindings(own);
    if (wrong) throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", wrong.message, { hint: wrong.hint });
    return true;
  });
  const proven = ifProvisioned(registry, prove);
  // Behind the provision door, the health of a registry that is not provisioned yet says what is missing.
  return context.env.ALIEN_DOOR === "provision" ? { ...proven, health: registry.health } : proven;
}
