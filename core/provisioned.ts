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
  const { crossAccount } = registry;
  return {
    ...registry,
    async createRepository(name, call) {
      await prove(call);
      return registry.createRepository(name, call);
    },
    async getRepository(name, call) {
      await prove(call);
      return registry.getRepository(name, call);
    },
    async deleteRepository(name, call) {
      await prove(call, "fresh");
      await registry.deleteRepository(name, call);
    },
    async generateCredentials(request, call) {
      await prove(call);
      return registry.generateCredentials(request, call);
    },
    ...(crossAccount && {
      crossAccount: {
        async add(name, accesses, call) {
          await prove(call, "fresh");
          await crossAccount.add(name, accesses, call);
        },
        async remove(name, access, call) {
          await prove(call, "fresh");
          return crossAccount.remove(name, access, call);
        },
        async get(name, call) {
          await prove(call);
          return crossAccount.get(name, call);
        },
      },
    }),
    async health(call) {
      await prove(call);
      return registry.health(call);
    },
  };
}
