import type { Call } from "./call.ts";
import { ArtifactRegistryError } from "./errors.ts";
import type { ArtifactRegistry } from "./registry.ts";

/** Milliseconds for which we rely on having seen that a registry is ours. */
const believedMs = 60_000;

/**
 * Proves that the registry behind a derived binding is ours.
 *
 * @param fresh asks the platform again, whatever was seen before
 * @throws BINDING_NOT_CONFIGURED where the registry was never provisioned, or is somebody else's
 */
export type Proof = (call: Call, fresh?: "fresh") => Promise<void>;

/**
 * Makes the proof from a question to the platform. If the registry is ours, the platform is not asked again for a minute. If it
 * is not, every call asks again.
 *
 * @param isOurs asks the platform whether the registry carries our tag
 *
 * @example
 * return ifProvisioned(registry, proofOf(async (call) => hasOurTag(await findRegistry(call))));
 */
export function proofOf(isOurs: (call: Call) => Promise<boolean>): Proof {
  let provenAt: number | undefined;
  return async (call, fresh) => {
    const now = call.now().getTime();
    if (!fresh && provenAt !== undefined && now - provenAt <= believedMs) return;
    provenAt = undefined;
    if (!(await isOurs(call))) {
      throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", "The registry is not bound, and was not provisioned.", {
        hint: "Run provisionRegistry for it, or set its binding.",
        context: { field: "registry" },
      });
    }
    provenAt = now;
  };
}

/**
 * Wraps the registry of a derived binding, so that each call first proves that it is ours. Calls that change grants or delete
 * ask the platform again. Provisioning creates what the proof looks for, so it asks nothing.
 */
export function ifProvisioned(registry: ArtifactRegistry, prove: Proof): ArtifactRegistry {
  const { crossAccount, listRepositories, listImages, deleteImage } = registry;
  const { listOf, removeAll } = crossAccount ?? {};
  const first = <Of extends readonly unknown[], Result>(
    work: (...of: [...Of, Call]) => Promise<Result>,
    fresh?: "fresh",
  ): ((...of: [...Of, Call]) => Promise<Result>) => {
    return async (...of) => {
      await prove(of[of.length - 1] as Call, fresh);
      return work(...of);
    };
  };
  return {
    ...registry,
    createRepository: first(registry.createRepository),
    getRepository: first(registry.getRepository),
    deleteRepository: first(registry.deleteRepository, "fresh"),
    ...(listRepositories && { listRepositories: first(listRepositories) }),
    ...(listImages && { listImages: first(listImages) }),
    ...(deleteImage && { deleteImage: first(deleteImage, "fresh") }),
    generateCredentials: first(registry.generateCredentials),
    ...(crossAccount && {
      crossAccount: {
        add: first(crossAccount.add, "fresh"),
        remove: first(crossAccount.remove, "fresh"),
        get: first(crossAccount.get),
        ...(listOf && { listOf: first(listOf) }),
        ...(removeAll && { removeAll: first(removeAll, "fresh") }),
      },
    }),
    health: first(registry.health),
  };
}
