import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { createOwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { createGarNames } from "../names.ts";
import { placeOf, registryHost } from "../place.ts";
import { garCapabilities } from "./capabilities.ts";
import type { GarContext } from "./context.ts";
import type { ControlPlane } from "./control-plane.ts";
import { generateCredentials } from "./credentials.ts";
import { createCrossAccount } from "./cross-account.ts";
import { garHealth } from "./health.ts";
import { deletePackage } from "./packages.ts";

/** A registry on a Docker repository of Google Artifact Registry: the repositories in it are image paths. */
export function createGarRegistry({ binding, others, env }: OpenContext<GarBinding>): ArtifactRegistry {
  const place = placeOf(binding, env);
  const names = createGarNames(place, others);
  const host = registryHost(place);
  const identity = createOwnIdentity();
  let loading: Promise<ControlPlane> | undefined;
  const context: GarContext = {
    binding,
    place,
    names,
    env,
    identity,
    controlPlane() {
      loading ??= import("./control-plane.ts").then((module) => module.createControlPlane(identity, env));
      return loading;
    },
  };
  // An image path exists only once it is pushed, so that there is nothing to create and nothing to find.
  const answer = (name: string) => ({ name, uri: `${host}/${name}` });

  return {
    service: "gar",
    capabilities: garCapabilities,
    upstreamRepositoryPrefix: names.prefix,
    routeName: names.routeName,
    resolveId: names.resolveId,
    registryEndpoint: async () => `https://${host}`,
    createRepository: async (name) => answer(name),
    getRepository: async (name) => answer(name),
    deleteRepository: (name, call) => deletePackage(context, name, call),
    generateCredentials: (_name, permissions, ttlSeconds, call) =>
      generateCredentials(context, permissions, ttlSeconds, call),
    crossAccount: createCrossAccount(context),
    health: (call) => garHealth(context, call),
  };
}
