import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { type Arm, type ArmRequest, armRequest } from "../arm/arm.ts";
import type { AcrBinding } from "../binding.ts";
import { isNotFound, unexpected } from "../errors.ts";

interface Bound {
  readonly binding: AcrBinding;
  readonly arm: Arm;
}

const request = { action: "GET registries", permission: "Microsoft.ContainerRegistry/registries/read" };

/** The container registry itself, as Azure Resource Manager describes it. */
export function getRegistry(context: Bound, call: Call): Promise<Registry> {
  return ask(context, call, request);
}

/** @returns undefined where there is none */
export async function findRegistry(context: Bound, call: Call): Promise<Registry | undefined> {
  try {
    return await ask(context, call, { ...request, expected: isNotFound });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function ask({ binding, arm }: Bound, call: Call, asked: ArmRequest): Promise<Registry> {
  const found = await armRequest(arm, call, asked, ({ client }, options) =>
    client.registries.get(binding.resourceGroupName, binding.registryName, options),
  );
  return readable(found);
}

/** Its tags decide whose it is: an answer that does not even tell its state is none. */
export function readable(found: Registry): Registry {
  if (found.name !== undefined && found.provisioningState !== undefined) return found;
  throw unexpected("Azure Resource Manager GET registries");
}
