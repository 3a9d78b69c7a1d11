import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Arm, armRequest } from "../arm/arm.ts";
import type { AcrBinding } from "../binding.ts";

/** The host of a registry: the binding's, else what Azure Resource Manager says, asked for once. */
export function createLoginServer(binding: AcrBinding, arm: Arm): (call: Call) => Promise<string> {
  let known = binding.loginServer;
  return async (call) => {
    known ??= (await getRegistry(binding, arm, call)).loginServer?.toLowerCase();
    if (known !== undefined && known !== "") return known;
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The registry has no login server yet.", {
      retryable: true,
    });
  };
}

/** The registry itself, as Azure Resource Manager describes it. */
export function getRegistry({ resourceGroupName, registryName }: AcrBinding, arm: Arm, call: Call) {
  const request = { action: "GET registries", permission: "Microsoft.ContainerRegistry/registries/read" };
  return armRequest(arm, call, request, ({ client }, options) =>
    client.registries.get(resourceGroupName, registryName, options),
  );
}
