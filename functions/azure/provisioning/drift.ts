/** How the container registry differs from what provisioning makes. */
import type { Call } from "../../../core/call.ts";
import type { Findings } from "../../../core/health.ts";
import type { AcrContext } from "../acr/context.ts";
import { findRegistry } from "../acr/registry.ts";
import { assignmentsOn, listAssignments } from "./assignments.ts";
import { adoptionHint, deviationsOf, isChanging, isForeign, modeOf } from "./registry.ts";
import { compareAssignments, describeRole, requiredRoles } from "./roles.ts";
import { functionPrincipals, readSettings } from "./settings.ts";

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
