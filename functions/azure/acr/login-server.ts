import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Arm } from "../arm/arm.ts";
import type { AcrBinding } from "../binding.ts";
import { getRegistry } from "./registry.ts";

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
    if (known === undefined) learn((await getRegistry({ binding, arm }, call)).loginServer);
    if (known !== undefined) return known;
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The registry has no login server yet.", {
      retryable: true,
    });
  };
  return Object.assign(ask, { learn });
}
