import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { armRequest } from "../arm/arm.ts";
import type { AcrContext } from "./context.ts";

const hint =
  "Delete repositories that are not needed, or change the registry's tier: Basic has 100 scope maps, Standard 500, " +
  "Premium 50,000.";

/** Says of a used-up quota what the limit is and how much of it is in use, if the registry tells. */
export async function nameLimit(
  { arm, binding }: AcrContext,
  cause: ArtifactRegistryError,
  call: Call,
): Promise<ArtifactRegistryError> {
  const usage = await scopeMapUsage({ arm, binding }, call);
  const known = usage === undefined ? "" : `: ${usage.inUse} of ${usage.limit} are in use`;
  return new ArtifactRegistryError("QUOTA_EXCEEDED", `The registry has no room for another scope map${known}.`, {
    hint,
    context: { quota: "scopeMaps", ...usage },
    cause,
  });
}

async function scopeMapUsage(
  { arm, binding }: Pick<AcrContext, "arm" | "binding">,
  call: Call,
): Promise<{ limit: number; inUse: number } | undefined> {
  const request = { action: "GET listUsages", permission: "Microsoft.ContainerRegistry/registries/listUsages/read" };
  try {
    const { value = [] } = await armRequest(arm, call, request, ({ client }, options) =>
      client.registries.listUsages(binding.resourceGroupName, binding.registryName, options),
    );
    const usage = value.find(({ name }) => /^scope ?maps$/i.test(name ?? ""));
    if (usage?.limit === undefined || usage.currentValue === undefined) return undefined;
    return { limit: usage.limit, inUse: usage.currentValue };
  } catch (error) {
    // The refusal stands without its numbers.
    if (error instanceof ArtifactRegistryError) return undefined;
    throw error;
  }
}
