import type { Registry, RegistryUpdateParameters } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { AcrContext } from "../acr/context.ts";
import { findRegistry, readable } from "../acr/registry.ts";
import { armOperation, betweenLooks } from "../arm/operation.ts";
import { armRefusal, isNotFound, unexpected } from "../errors.ts";
import { isOurs, ownershipTag, ownershipValue } from "../ownership.ts";
import { newMode, newSku, type Settings } from "./settings.ts";

const permission = (verb: string) => `Microsoft.ContainerRegistry/registries/${verb}`;

/**
 * The container registry, when nobody changes it any more: what an earlier call began is waited for.
 *
 * @param until what shall be waited for no longer: somebody else's registry is none of our business
 */
export async function settledRegistry(
  context: AcrContext,
  call: Call,
  until: (found: Registry) => boolean = () => false,
): Promise<Registry | undefined> {
  const wait = betweenLooks("change of the registry", call);
  for (;;) {
    const found = await findRegistry(context, call);
    const isChanging = /^(?:Creating|Updating|Deleting)$/.test(found?.provisioningState ?? "");
    if (found === undefined || !isChanging || until(found)) return found;
    await wait();
  }
}

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
  const made = await change(context, call, "PUT registries", ({ registries }, options) =>
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
): Promise<void> {
  const { resourceGroupName, registryName } = context.binding;
  await change(context, call, "PATCH registries", ({ registries }, options) =>
    registries.update(resourceGroupName, registryName, changes, options),
  );
}

type Start = Parameters<typeof armOperation<Registry>>[3];

/** @returns the registry as it is then */
async function change(context: AcrContext, call: Call, action: string, start: Start): Promise<Registry | undefined> {
  const { registryName } = context.binding;
  const isMeant = (error: unknown) => {
    const refusal = armRefusal(error);
    return refusal?.status === 400 || (refusal?.status === 409 && isTaken(refusal.code));
  };
  try {
    return await armOperation(context.arm, call, { action, permission: permission("write"), expected: isMeant }, start);
  } catch (error) {
    const refusal = armRefusal(error);
    if (refusal === undefined) throw error;
    if (isTaken(refusal.code)) throw taken(registryName, error);
    throw new ArtifactRegistryError(
      "BINDING_CONFIG_INVALID",
      `Azure refuses the registry "${registryName}" as asked.`,
      {
        hint: "See that ALIEN_AZURE_LOCATION is a location of Azure's, and that ALIEN_ACR_SKU has all that the registry uses.",
        ...(refusal.code !== "" && { context: { azure: refusal.code } }),
        cause: error,
      },
    );
  }
}

/** Deletes the container registry with everything in it, and waits until it is gone. */
export async function deleteOwnRegistry({ arm, binding }: AcrContext, call: Call): Promise<void> {
  const request = { action: "DELETE registries", permission: permission("delete"), expected: isNotFound };
  try {
    await armOperation(arm, call, request, ({ registries }, options) =>
      registries.delete(binding.resourceGroupName, binding.registryName, options),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** @throws RESOURCE_CONFLICT for a container registry that is not this registry's */
export function refuseForeign({ tags }: Registry, context: AcrContext, more = ""): void {
  if (isOurs(tags, context.names.prefix)) return;
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

function isTaken(code: string): boolean {
  return /^(?:AlreadyInUse|NameNotAvailable|RegistryNameNotAvailable)$/.test(code);
}

function taken(registryName: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `The name "${registryName}" is that of a container registry elsewhere on Azure.`,
    { hint: "Names are unique in all of Azure: choose another registryName, or another ALIEN_STACK_PREFIX.", cause },
  );
}
