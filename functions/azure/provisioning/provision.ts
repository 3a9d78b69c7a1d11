import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { ProvisionOptions } from "../../../core/registry.ts";
import type { AcrContext } from "../acr/context.ts";
import { unexpected } from "../errors.ts";
import { type Assigned, assign, assignedOn, listAssignments, unassign } from "./assignments.ts";
import { changesOf, deviationsOf, modeOf } from "./deviations.ts";
import { refuseOverlappingRegistries } from "./overlap.ts";
import { createOwnRegistry, updateOwnRegistry } from "./own-registry.ts";
import { type Functions, functionPrincipals } from "./principals.ts";
import { compareAssignments, type RoleDrift, refuseNarrowed } from "./role-drift.ts";
import { readSettings, type Settings } from "./settings.ts";
import { refuseForeign, settledRegistry } from "./settled.ts";
import { wantedRoles } from "./wanted.ts";

/** What shall be. */
interface Wanted {
  readonly settings: Settings;
  readonly functions: Functions;
}

const unchanged = " Nothing was changed.";

/**
 * Makes what the registry needs, or changes what differs. Idempotent: where everything is as it shall be, it is only read.
 *
 * @returns the binding
 * @throws RESOURCE_CONFLICT for what is not ours, BINDING_CONFIG_INVALID
 */
export async function provision(
  context: AcrContext,
  { replicationRegions = [] }: ProvisionOptions,
  call: Call,
): Promise<Record<string, unknown>> {
  if (replicationRegions.length > 0) {
    throw invalidInput(
      "The regions of a container registry are not the suite's to choose.",
      "replicationRegions",
      "Leave them out. A Premium registry is replicated by az acr replication create; pulls then go to the nearest region.",
    );
  }
  const wanted = { settings: readSettings(context.env), functions: await functionPrincipals(context, call) };
  const assigned = assignedOn(context);
  const own = await findOwn(context, call);
  // Before anything is changed: what somebody narrowed is theirs to widen.
  const drift = own && (await look(assigned, own, wanted, unchanged, call));
  const registry = own ?? (await createOwnRegistry(context, wanted.settings, call));
  const roles = drift ?? (await look(assigned, registry, wanted, "", call));
  return bindingOf(context, await apply(context, registry, assigned, roles, wanted, call));
}

/** @throws RESOURCE_CONFLICT for a registry that is not ours, or that may not be made beside another */
async function findOwn(context: AcrContext, call: Call): Promise<Registry | undefined> {
  const found = await settledRegistry(context, call);
  if (found) refuseForeign(found, context, unchanged);
  // Once provisioned, it is the other registry that is refused.
  else await refuseOverlappingRegistries(context, call);
  return found;
}

async function look(
  assigned: Assigned,
  registry: Registry,
  { settings, functions }: Wanted,
  more: string,
  call: Call,
): Promise<RoleDrift> {
  const roles = wantedRoles(functions.principals, settings.mode ?? modeOf(registry), settings);
  const drift = compareAssignments(assigned.scope, await listAssignments(assigned, call), roles, functions);
  refuseNarrowed(drift.narrowed, more);
  return drift;
}

/**
 * Roles first, so that a change of the mode leaves no function without; what is taken back comes last.
 *
 * @returns the registry as it is then
 */
async function apply(
  context: AcrContext,
  registry: Registry,
  assigned: Assigned,
  { missing, stale }: RoleDrift,
  { settings }: Wanted,
  call: Call,
): Promise<Registry> {
  for (const role of missing) await assign(assigned, role, call);
  const deviations = deviationsOf(registry, settings);
  const after = deviations.length === 0 ? registry : await updateOwnRegistry(context, changesOf(deviations), call);
  for (const assignment of stale) await unassign(assigned, assignment, call);
  return after;
}

function bindingOf({ binding, names }: AcrContext, { loginServer }: Registry): Record<string, unknown> {
  if (!loginServer) throw unexpected("Azure Resource Manager GET registries");
  return {
    service: "acr",
    registryName: binding.registryName,
    resourceGroupName: binding.resourceGroupName,
    loginServer: loginServer.toLowerCase(),
    ...(names.prefix !== "" && { repositoryPrefix: names.prefix }),
  };
}
