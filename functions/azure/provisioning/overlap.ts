import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { overlappingPrefixes } from "../../../core/names.ts";
import type { AcrContext } from "../acr/context.ts";
import { armRegistryList } from "../arm/pages.ts";
import { ownerOf, ownershipTag } from "../ownership.ts";

/**
 * Refuses a prefix that is another registry's, or that extends it. The tags of the container registries in the resource
 * group tell.
 *
 * @throws RESOURCE_CONFLICT
 */
export async function refuseOverlappingRegistries({ arm, binding, names }: AcrContext, call: Call): Promise<void> {
  const request = { action: "LIST registries", permission: "Microsoft.ContainerRegistry/registries/read" };
  const { resourceGroupName, registryName } = binding;
  const found = await armRegistryList(arm, call, request, ({ registries }, options) =>
    registries.listByResourceGroup(resourceGroupName, options),
  );
  for (const { name = "", tags } of found) {
    const owner = ownerOf(tags);
    if (owner === undefined || name.toLowerCase() === registryName.toLowerCase()) continue;
    const prefix = owner.replace(/\/$/, "");
    if (
      overlappingPrefixes(
        new Map([
          ["ours", names.prefix],
          [`theirs`, prefix],
        ]),
      ) === undefined
    )
      continue;
    throw new ArtifactRegistryError(
      "RESOURCE_CONFLICT",
      `The registry on "${name}" has the prefix "${prefix}", which overlaps with "${names.prefix}".`,
      {
        hint: `No registry's prefix may equal another's or extend it by - or /. It is known by its tag ${ownershipTag}. Nothing was changed.`,
      },
    );
  }
}
