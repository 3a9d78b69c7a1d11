import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { once } from "../../../core/once.ts";
import type { OpenContext } from "../../../core/platform.ts";
import { ifProvisioned, proofOf } from "../../../core/provisioned.ts";
import { type ArtifactRegistry, noConsumersYet, notListedYet } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import { createOwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { grpcCode, undefinedIfNotFound } from "../errors.ts";
import { createGarNames } from "../names.ts";
import { isMigrated, packageResource, placeOf, registryHost, repositoryResource } from "../place.ts";
import type { GarContext } from "./context.ts";
import { generateCredentials, tokenSeconds } from "./credentials.ts";
import { createCrossAccount } from "./cross-account.ts";
import { runOperation } from "./operations.ts";
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
    ...notListedYet,
    ...noConsumersYet,
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
  // An image path exists only once something was pushed, so there is nothing to create and nothing to look up.
  const repository = (name: string) => ({ name, uri: `${host}/${name}` });

  const registry: ArtifactRegistry = {
    service: "gar",
    capabilities,
    upstreamRepositoryPrefix: names.prefix,
    routeName: names.routeName,
    resolveId: names.resolveId,
    registryEndpoint: async () => `https://${host}`,
    createRepository: async (name) => repository(name),
    getRepository: async (name) => repository(name),
    deleteRepository: (name, call) => deletePackage(context, name, call),
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

/**
 * Deletes exactly this image path with all its versions and tags, and waits until it is gone. Idempotent.
 *
 * @throws INVALID_INPUT for the bare prefix, which is the registry itself
 */
async function deletePackage(context: GarContext, name: RoutableName, call: Call): Promise<void> {
  const path = context.names.imagePath(name);
  if (path === "") {
    throw invalidInput(`"${name}" is the registry itself, which deleteRepository does not delete.`, "repoId");
  }
  const request = { name: packageResource(context.place, path) };
  const method = {
    action: "DeletePackage",
    permission: "artifactregistry.packages.delete",
    expected: [grpcCode.notFound],
  };
  await undefinedIfNotFound(
    runOperation(context, call, method, (client, options) => client.deletePackage(request, options)),
  );
}
