import type { Registry, RegistryUpdateParameters } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { AcrContext } from "../acr/context.ts";
import { readable } from "../acr/registry.ts";
import { unexpected } from "../errors.ts";
import { ownershipTag, ownershipValue } from "../ownership.ts";
import { change } from "./change.ts";
import { newMode, newSku, type Settings } from "./settings.ts";
import { refuseForeign } from "./settled.ts";

/** Makes the container registry, and waits until it is there. */
export async function createOwnRegistry(context: AcrContext, settings: Settings, call: Call): Promise<Registry> {
  const { binding, names } = context;
  const { location, sku = newSku, mode = newMode } = settings;
  if (location === undefined) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The location of a new registry is not known.", {
      hint: "Set ALIEN_AZURE_LOCATION, as to westeurope.",
      context: { variable: "ALIEN_AZURE_LOCATION" },
    });
  }
  const wanted: Registry = {
    location,
    sku: { name: sku },
    tags: { [ownershipTag]: ownershipValue(names.prefix) },
    adminUserEnabled: false,
    anonymousPullEnabled: false,
    roleAssignmentMode: mode,
  };
  const made = await change<Registry>(context, call, "PUT registries", ({ registries }, options) =>
    registries.create(binding.resourceGroupName, binding.registryName, wanted, options),
  );
  if (made === undefined) throw unexpected("Azure Resource Manager PUT registries");
  refuseForeign(readable(made), context);
  return made;
}

/** Puts settings of the container registry right, and waits until they are. All others stay as they are. */
export async function updateOwnRegistry(
  context: AcrContext,
  changes: RegistryUpdateParameters,
  call: Call,
): Promise<Registry> {
  const { resourceGroupName, registryName } = context.binding;
  const updated = await change<Registry>(context, call, "PATCH registries", ({ registries }, options) =>
    registries.update(resourceGroupName, registryName, changes, options),
  );
  if (updated === undefined) throw unexpected("Azure Resource Manager PATCH registries");
  return readable(updated);
}

/** Deletes the container registry with everything in it, and waits until it is gone. */
export async function deleteOwnRegistry(context: AcrContext, call: Call): Promise<void> {
  const { resourceGroupName, registryName } = context.binding;
  await change<void>(context, call, "DELETE registries", ({ registries }, options) =>
    registries.delete(resourceGroupName, registryName, options),
  );
}
