import type { Call } from "../../../core/call.ts";
import type { Health } from "../../../core/registry.ts";
import type { AcrContext } from "../acr/context.ts";
import { findRegistry } from "../acr/registry.ts";
import { assignedOn, listAssignments } from "./assignments.ts";
import { deviationsOf, modeOf } from "./deviations.ts";
import { functionPrincipals } from "./principals.ts";
import { compareAssignments, describe } from "./role-drift.ts";
import { readSettings } from "./settings.ts";
import { adoption, isChanging, isForeign } from "./settled.ts";
import { wantedRoles } from "./wanted.ts";

const hint = "Run provisionRegistry.";

/** In what the registry differs from what provisioning makes. Reads only. */
export async function findDrift(context: AcrContext, call: Call): Promise<Health["findings"]> {
  const { binding, env } = context;
  const settings = readSettings(env);
  const functions = await functionPrincipals(context, call);
  const found = await findRegistry(context, call);
  if (!found) return [{ message: `The registry "${binding.registryName}" is not provisioned.`, hint }];
  if (isForeign(found, context)) {
    const message = `The container registry "${binding.registryName}" is not this registry's.`;
    return [{ message, hint: `${adoption(context)}.` }];
  }
  const findings: Health["findings"] = deviationsOf(found, settings).map(({ message }) => ({ message, hint }));
  if (isChanging(found)) {
    findings.push({ message: `The registry's state is ${found.provisioningState}.`, hint: "Look again later." });
  }
  const { loginServer } = found;
  if (binding.loginServer !== undefined && loginServer?.toLowerCase() !== binding.loginServer) {
    const message = "The binding's loginServer is not the registry's.";
    findings.push({ message, hint: `The registry's is ${loginServer}.` });
  }
  const assigned = assignedOn(context);
  const wanted = wantedRoles(functions.principals, settings.mode ?? modeOf(found), settings);
  const assignments = await listAssignments(assigned, call);
  const { missing, narrowed, stale } = compareAssignments(assigned.scope, assignments, wanted, functions);
  for (const role of missing) findings.push({ message: `${describe(role, "has not")} on the registry.`, hint });
  for (const role of narrowed) {
    const message = `${describe(role)} on the registry under a condition.`;
    findings.push({ message, hint: "Remove that role assignment, or its condition." });
  }
  for (const { principalId } of stale) {
    findings.push({ message: `The identity ${principalId} has a role of ours that it no longer needs.`, hint });
  }
  return findings;
}
