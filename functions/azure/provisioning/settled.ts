import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/waiting.ts";
import type { AcrContext } from "../acr/context.ts";
import { findRegistry } from "../acr/registry.ts";
import { goesOn, looks } from "../arm/operation.ts";
import { isOurs, ownershipTag, ownershipValue } from "../ownership.ts";

/**
 * The container registry, when nobody changes it any more: what an earlier call began is waited for. Somebody else's is
 * none of our business, and not waited for.
 */
export function settledRegistry(context: AcrContext, call: Call): Promise<Registry | undefined> {
  const settled = async () => {
    const found = await findRegistry(context, call);
    if (found && isChanging(found) && !isForeign(found, context)) throw new NotYet(goesOn("change of the registry"));
    return found;
  };
  return untilReady(settled, call.signal, looks);
}

export function isChanging({ provisioningState = "" }: Registry): boolean {
  return /^(?:Creating|Updating|Deleting)$/.test(provisioningState);
}

export function isForeign({ tags }: Registry, { names }: AcrContext): boolean {
  return !isOurs(tags, names.prefix);
}

/** @throws RESOURCE_CONFLICT for a container registry that is not this registry's */
export function refuseForeign(found: Registry, context: AcrContext, more = ""): void {
  if (!isForeign(found, context)) return;
  const { registryName } = context.binding;
  throw new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `The container registry "${registryName}" exists and is not this registry's.`,
    { hint: `${adoption(context)}, or choose another name.${more}` },
  );
}

/** How somebody's container registry becomes ours. */
export function adoption({ names }: AcrContext): string {
  return `Give it the tag ${ownershipTag}=${ownershipValue(names.prefix)} to have it adopted`;
}
