import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Arm } from "../arm/arm.ts";
import type { AcrBinding } from "../binding.ts";
import { findRegistry } from "./registry.ts";

/** The host of a registry: the binding's, else what Azure Resource Manager says, asked for once. */
export interface LoginServer {
  (call: Call): Promise<string>;
  /** Spares the question: what a look at the registry told. */
  learn(told: string | undefined): void;
}

export function createLoginServer(binding: AcrBinding, arm: Arm): LoginServer {
  let known = binding.loginServer;
  const learn = (told: string | undefined) => {
    known ??= told?.toLowerCase() || undefined;
  };
  const ask = async (call: Call) => {
    if (known !== undefined) return known;
    const found = await findRegistry({ binding, arm }, call);
    if (found === undefined) {
      throw new ArtifactRegistryError(
        "BINDING_CONFIG_INVALID",
        `There is no container registry "${binding.registryName}".`,
        { hint: "Run provisionRegistry, or see that the binding, and AZURE_SUBSCRIPTION_ID, name one that is there." },
      );
    }
    learn(found.loginServer);
    if (known !== undefined) return known;
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The registry has no login server yet.", {
      retryable: true,
    });
  };
  return Object.assign(ask, { learn });
}
