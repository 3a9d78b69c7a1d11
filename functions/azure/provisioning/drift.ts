/** How the container registry differs from what provisioning makes. */
import type { Registry, RegistryUpdateParameters } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import type { Findings } from "../../../core/health.ts";
import type { AcrContext } from "../acr/context.ts";
import { findRegistry } from "../acr/registry.ts";
import { assignmentsOn, listAssignments } from "./assignments.ts";
import { adoptionHint, isChanging, isForeign } from "./registry.ts";
import { compareAssignments, describeRole, requiredRoles } from "./roles.ts";
import { functionPrincipals, type RegistrySettings, type RoleAssignmentMode, readSettings } from "./settings.ts";

const hint = "Run provisionRegistry.";

/** Finds how the registry differs from what provisioning makes. It only reads. */
export async function findDrift(context: AcrContext, call: Call): Promise<Findings> {
  const { binding, env } = context;
  const settings = readSettings(env);
  const functions = await functionPrincipals(context, call);
  const found = await findRegistry(context, call);
  if (!found) return [{ message: `The registry "${binding.registryName}" is not provisioned.`, hint }];
  if (isForeign(found, context)) {
    const message = `The container registry "${binding.registryName}" is not this registry's.`;
    return [{ message, hint: `${adoptionHint(context)}.` }];
  }
  const findings: Findings = deviationsOf(found, settings).map(({ message }) => ({ message, hint }));
  if (isChanging(found)) {
    findings.push({ message: `The registry's state is ${found.provisioningState}.`, hint: "Look again later." });
  }
  const { loginServer } = found;
  if (binding.loginServer !== undefined && loginServer?.toLowerCase() !== binding.loginServer) {
    const message = "The binding's loginServer is not the registry's.";
    findings.push({ message, hint: `The registry's is ${loginServer}.` });
  }
  const onRegistry = assignmentsOn(context);
  const required = requiredRoles(functions.principals, settings.mode ?? modeOf(found), settings);
  const assignments = await listAssignments(onRegistry, call);
  const { missing, narrowed, stale } = compareAssignments(onRegistry.scope, assignments, required, functions);
  for (const role of missing) findings.push({ message: `${describeRole(role, "lacks")} on the registry.`, hint });
  for (const role of narrowed) {
    const message = `${describeRole(role)} on the registry under a condition.`;
    findings.push({ message, hint: "Remove that role assignment, or its condition." });
  }
  for (const { principalId } of stale) {
    findings.push({ message: `The identity ${principalId} has a role of ours that it no longer needs.`, hint });
  }
  return findings;
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

/** The changes that correct all of the deviations, for one request. */
export function changesOf(deviations: readonly Deviation[]): RegistryUpdateParameters {
  return Object.assign({}, ...deviations.map(({ change }) => change)) as RegistryUpdateParameters;
}

/** The mode of a registry. One that does not tell its mode is older than the other mode. */
export function modeOf({ roleAssignmentMode }: Registry): RoleAssignmentMode {
  return roleAssignmentMode === "AbacRepositoryPermissions" ? roleAssignmentMode : "LegacyRegistryPermissions";
}
