/** The container registry that provisioning makes, compares with its settings, changes and deletes. */
import type { Registry, RegistryUpdateParameters } from "@azure/arm-containerregistry";
import type { Call, UpstreamOptions } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, pauseAtMost, untilReady } from "../../../core/until-ready.ts";
import type { AcrContext } from "../acr/context.ts";
import { findRegistry, hasOwnTag, ownershipTag, ownershipValue, requireState } from "../acr/registry.ts";
import { pollBackoff, runOperation, type StartOperation, stillRunning } from "../arm/operations.ts";
import { armRefusal, passesByItself, translateArmError, unexpected } from "../errors.ts";
import { defaultMode, defaultSku, type RegistrySettings, type RoleAssignmentMode } from "./settings.ts";

/**
 * Finds the container registry once no change of it is in progress: it waits for what an earlier call began. It does not
 * wait for somebody else's registry.
 */
export function findIdleRegistry(context: AcrContext, call: Call): Promise<Registry | undefined> {
  const find = async () => {
    const found = await findRegistry(context, call);
    if (found && isChanging(found) && !isForeign(found, context)) {
      throw new NotYet(stillRunning("change of the registry"));
    }
    return found;
  };
  return untilReady(find, call.signal, pollBackoff);
}

export function isChanging({ provisioningState = "" }: Registry): boolean {
  return /^(?:Creating|Updating|Deleting)$/.test(provisioningState);
}

/** @returns whether the container registry lacks our tag, so that it is somebody else's */
export function isForeign(found: Registry, { names }: AcrContext): boolean {
  return !hasOwnTag(found, names.prefix);
}

/** @throws RESOURCE_CONFLICT for somebody else's container registry */
export function refuseForeign(found: Registry, context: AcrContext, more = ""): void {
  if (!isForeign(found, context)) return;
  const { registryName } = context.binding;
  throw new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `The container registry "${registryName}" exists and is not this registry's.`,
    { hint: `${adoptionHint(context)}, or choose another name.${more}` },
  );
}

/** Says how somebody's container registry becomes ours. It is the beginning of a sentence. */
export function adoptionHint({ names }: AcrContext): string {
  return `Give it the tag ${ownershipTag}=${ownershipValue(names.prefix)} to have it adopted`;
}

/** Creates the container registry, and waits until Azure has finished. */
export async function createOwnRegistry(
  context: AcrContext,
  settings: RegistrySettings,
  call: Call,
): Promise<Registry> {
  const { binding, names } = context;
  const { location, sku = defaultSku, mode = defaultMode } = settings;
  if (location === undefined) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The location of a new registry is not known.", {
      hint: "Set ALIEN_AZURE_LOCATION, for example to westeurope.",
      context: { variable: "ALIEN_AZURE_LOCATION" },
    });
  }
  const registry: Registry = {
    location,
    sku: { name: sku },
    tags: { [ownershipTag]: ownershipValue(names.prefix) },
    adminUserEnabled: false,
    anonymousPullEnabled: false,
    roleAssignmentMode: mode,
  };
  const made = await changeRegistry(context, call, {
    action: "PUT registries",
    // Whoever provisions compares it with the settings afterwards.
    isDone: (found) => found !== undefined,
    start: ({ registries }, options) =>
      registries.create(binding.resourceGroupName, binding.registryName, registry, options),
  });
  if (made === undefined) throw unexpected("Azure Resource Manager PUT registries");
  refuseForeign(requireState(made), context);
  return made;
}

/**
 * Corrects what differs from the settings, and waits until Azure has finished. Everything else stays as it is.
 *
 * @returns the registry as it is then
 */
export async function correctRegistry(
  context: AcrContext,
  registry: Registry,
  settings: RegistrySettings,
  call: Call,
): Promise<Registry> {
  const deviations = deviationsOf(registry, settings);
  if (deviations.length === 0) return registry;
  const changes = Object.assign({}, ...deviations.map(({ change }) => change)) as RegistryUpdateParameters;
  const { resourceGroupName, registryName } = context.binding;
  const updated = await changeRegistry(context, call, {
    action: "PATCH registries",
    isDone: (found) => found !== undefined && deviationsOf(found, settings).length === 0,
    start: ({ registries }, options) => registries.update(resourceGroupName, registryName, changes, options),
  });
  if (updated === undefined) throw unexpected("Azure Resource Manager PATCH registries");
  return requireState(updated);
}

/** One way in which a container registry is not as it must be, and the change that corrects it. */
export interface Deviation {
  readonly message: string;
  readonly change: RegistryUpdateParameters;
}

/** Compares the container registry with the settings. */
export function deviationsOf(found: Registry, { sku, mode }: RegistrySettings): readonly Deviation[] {
  const deviations: Deviation[] = [];
  if (found.adminUserEnabled) {
    deviations.push({ message: "The registry's admin user is on.", change: { adminUserEnabled: false } });
  }
  if (found.anonymousPullEnabled) {
    const message = "Anybody may pull from the registry without credentials.";
    deviations.push({ message, change: { anonymousPullEnabled: false } });
  }
  if (sku !== undefined && found.sku?.name !== sku) {
    deviations.push({
      message: `The registry's SKU is ${found.sku?.name}, not ${sku}.`,
      change: { sku: { name: sku } },
    });
  }
  if (mode !== undefined && modeOf(found) !== mode) {
    const message = `The registry's mode of role assignments is ${modeOf(found)}, not ${mode}.`;
    deviations.push({ message, change: { roleAssignmentMode: mode } });
  }
  if (/^(?:Failed|Canceled)$/.test(found.provisioningState ?? "") && deviations.length === 0) {
    // Any change makes Azure finish what it began.
    const message = `The registry's state is ${found.provisioningState}.`;
    deviations.push({ message, change: { adminUserEnabled: false } });
  }
  return deviations;
}

/** The mode of a registry. One that does not tell its mode is older than the other mode. */
export function modeOf({ roleAssignmentMode }: Registry): RoleAssignmentMode {
  return roleAssignmentMode === "AbacRepositoryPermissions" ? roleAssignmentMode : "LegacyRegistryPermissions";
}

/** Deletes the container registry with everything in it, and waits until it is gone. */
export async function deleteOwnRegistry(context: AcrContext, call: Call): Promise<void> {
  const { resourceGroupName, registryName } = context.binding;
  await changeRegistry(context, call, {
    action: "DELETE registries",
    isDone: (found) => found === undefined,
    start: ({ registries }, options) => registries.delete(resourceGroupName, registryName, options),
  });
}

/** How often we ask for a change at most. */
const maxAttempts = 4;

/**
 * One try of a write. Azure answers a registry's PUT after 8 seconds and its DELETE after up to 31, in the recordings of Microsoft's own
 * clients, so that a second request after the usual time would overlap with the first.
 */
const oneLongTry: UpstreamOptions = { timeoutMs: 45_000, retry: { attempts: 1, baseMs: 0, capMs: 0 } };

interface Change {
  /** The method and the kind of resource, as `PUT registries`. */
  readonly action: string;
  readonly start: StartOperation;
  /** Whether the registry is as the change makes it, so that an earlier try of it has arrived. */
  readonly isDone: (found: Registry | undefined) => boolean;
}

/**
 * Changes the container registry, and waits until Azure has finished. A write whose answer did not come is not simply sent again: we look at the
 * registry first, and wait while it is changing.
 *
 * @returns the registry as it is then; undefined for a deletion
 * @throws RESOURCE_CONFLICT where the name is taken, or (retryable) where there is always another change
 */
function changeRegistry(context: AcrContext, call: Call, change: Change): Promise<Registry | undefined> {
  const { action, start, isDone } = change;
  const what = `Azure Resource Manager ${action}`;
  const permission = `Microsoft.ContainerRegistry/registries/${action.startsWith("DELETE") ? "delete" : "write"}`;
  let hasStarted = false;
  const request = {
    action,
    permission,
    expected: (error: unknown) => passesByItself(error) || isExplained(error),
    upstream: oneLongTry,
    look: () => findRegistry(context, call),
    onStarted: () => {
      hasStarted = true;
    },
  };
  const attempt = async (tries: number) => {
    if (tries > 1) {
      // The other change may be this very one, begun by a request whose answer was lost.
      const found = await findIdleRegistry(context, call);
      if (found) refuseForeign(found, context);
      if (isDone(found)) return found;
    }
    try {
      return await runOperation<Registry>(context.arm, call, request, start);
    } catch (error) {
      if (isExplained(error)) throw explain(error, context);
      if (passesByItself(error)) {
        throw new NotYet(
          tries === maxAttempts ? translateArmError(error, { what, hint: permission }) : stillRunning(action),
        );
      }
      // How it stands with a change that was taken is told by the change itself.
      if (hasStarted || !(error instanceof ArtifactRegistryError && error.retryable)) throw error;
      const { retryAfterSeconds = 0 } = error;
      if (retryAfterSeconds * 1_000 > pollBackoff.capMs) throw error;
      await pauseAtMost(retryAfterSeconds * 1_000, call.signal);
      throw new NotYet(error);
    }
  };
  return untilReady(attempt, call.signal, { ...pollBackoff, attempts: maxAttempts });
}

/** @returns whether `explain` can say more about a refusal than the translation for other resources can */
function isExplained(error: unknown): boolean {
  const refusal = armRefusal(error);
  return refusal?.status === 400 || (refusal?.status === 409 && isNameTaken(refusal.code));
}

function isNameTaken(code: string): boolean {
  return /^(?:AlreadyInUse|NameNotAvailable|RegistryNameNotAvailable)$/.test(code);
}

function explain(cause: unknown, { binding }: AcrContext): ArtifactRegistryError {
  const { registryName } = binding;
  const { code = "" } = armRefusal(cause) ?? {};
  if (isNameTaken(code)) {
    return new ArtifactRegistryError(
      "RESOURCE_CONFLICT",
      `The name "${registryName}" is that of a container registry elsewhere on Azure.`,
      { hint: "Names are unique in all of Azure: choose another registryName, or another ALIEN_STACK_PREFIX.", cause },
    );
  }
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Azure refuses the registry "${registryName}" as asked.`, {
    hint: "Check that ALIEN_AZURE_LOCATION is a location of Azure's, and that ALIEN_ACR_SKU has all that the registry uses.",
    ...(code !== "" && { context: { azure: code } }),
    cause,
  });
}
