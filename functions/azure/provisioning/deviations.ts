import type { Registry, RegistryUpdateParameters } from "@azure/arm-containerregistry";
import type { Mode, Settings } from "./settings.ts";

/** In what a container registry is not as it must be, and what puts it right. */
export interface Deviation {
  readonly message: string;
  readonly change: RegistryUpdateParameters;
}

export function deviationsOf(found: Registry, { sku, mode }: Settings): readonly Deviation[] {
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

export function changesOf(deviations: readonly Deviation[]): RegistryUpdateParameters {
  return Object.assign({}, ...deviations.map(({ change }) => change)) as RegistryUpdateParameters;
}

/** Registries that do not tell are from before there was another. */
export function modeOf({ roleAssignmentMode }: Registry): Mode {
  return roleAssignmentMode === "AbacRepositoryPermissions" ? roleAssignmentMode : "LegacyRegistryPermissions";
}
