import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import { overlappingPrefixes } from "../../../core/names.ts";
import type { ProvisionOptions } from "../../../core/registry.ts";
import type { AcrContext } from "../acr/context.ts";
import { ownerOf, ownershipTag } from "../acr/registry.ts";
import { armList, registryPages } from "../arm/pages.ts";
import { unexpected } from "../errors.ts";
import { type AssignmentsOn, assign, assignmentsOn, listAssignments, unassign } from "./assignments.ts";
import { correctRegistry, createOwnRegistry, findIdleRegistry, modeOf, refuseForeign } from "./registry.ts";
import { compareAssignments, type RoleDrift, refuseNarrowed, requiredRoles } from "./roles.ts";
import { type FunctionPrincipals, functionPrincipals, type RegistrySettings, readSettings } from "./settings.ts";

/** What the registry must be like, and for whom. */
interface Desired {
  readonly settings: RegistrySettings;
  readonly functions: FunctionPrincipals;
}

const unchanged = " Nothing was changed.";

/**
 * Makes what the registry needs, or changes what differs. It is idempotent: if everything is as it must be, it only reads.
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
      "The suite does not choose the regions of a container registry.",
      "replicationRegions",
      "Leave them out. A Premium registry is replicated by az acr replication create; pulls then go to the nearest region.",
    );
  }
  const desired = { settings: readSettings(context.env), functions: await functionPrincipals(context, call) };
  const onRegistry = assignmentsOn(context);
  const own = await findOwnRegistry(context, call);
  // This comes before any change, because whoever narrowed a role must decide whether to widen it.
  const drift = own && (await findRoleDrift(onRegistry, own, desired, unchanged, call));
  const registry = own ?? (await createOwnRegistry(context, desired.settings, call));
  const roles = drift ?? (await findRoleDrift(onRegistry, registry, desired, "", call));
  return bindingOf(context, await apply(context, registry, onRegistry, roles, desired, call));
}

/** @throws RESOURCE_CONFLICT for a registry that is not ours, or whose prefix overlaps with that of another one */
async function findOwnRegistry(context: AcrContext, call: Call): Promise<Registry | undefined> {
  const found = await findIdleRegistry(context, call);
  if (found) refuseForeign(found, context, unchanged);
  // Once this registry exists, the other one is refused.
  else await refuseOverlappingRegistries(context, call);
  return found;
}

/**
 * Refuses a prefix that is another registry's, or that extends it. The tags of the container registries in the resource
 * group tell.
 *
 * @throws RESOURCE_CONFLICT
 */
async function refuseOverlappingRegistries({ arm, binding, names }: AcrContext, call: Call): Promise<void> {
  const request = { action: "LIST registries", permission: "Microsoft.ContainerRegistry/registries/read" };
  const { resourceGroupName, registryName } = binding;
  const pages = registryPages<Registry>(({ registries }, options) =>
    registries.listByResourceGroup(resourceGroupName, options),
  );
  for (const { name = "", tags } of await armList(arm, call, request, pages)) {
    const owner = ownerOf(tags);
    if (owner === undefined || name.toLowerCase() === registryName.toLowerCase()) continue;
    const theirs = owner.replace(/\/$/, "");
    const prefixes = new Map(Object.entries({ ours: names.prefix, theirs }));
    if (overlappingPrefixes(prefixes) === undefined) continue;
    throw new ArtifactRegistryError(
      "RESOURCE_CONFLICT",
      `The registry on "${name}" has the prefix "${theirs}", which overlaps with "${names.prefix}".`,
      {
        hint: `No registry's prefix may equal another's or extend it by - or /. The other registry is known by its tag ${ownershipTag}.${unchanged}`,
      },
    );
  }
}

async function findRoleDrift(
  onRegistry: AssignmentsOn,
  registry: Registry,
  { settings, functions }: Desired,
  more: string,
  call: Call,
): Promise<RoleDrift> {
  const required = requiredRoles(functions.principals, settings.mode ?? modeOf(registry), settings);
  const assignments = await listAssignments(onRegistry, call);
  const drift = compareAssignments(onRegistry.scope, assignments, required, functions);
  refuseNarrowed(drift.narrowed, more);
  return drift;
}

/**
 * Assigns roles first, so that a change of the mode leaves no function without one. Takes stale roles back last.
 *
 * @returns the registry as it is then
 */
async function apply(
  context: AcrContext,
  registry: Registry,
  onRegistry: AssignmentsOn,
  { missing, stale }: RoleDrift,
  { settings }: Desired,
  call: Call,
): Promise<Registry> {
  for (const role of missing) await assign(onRegistry, role, call);
  const after = await correctRegistry(context, registry, settings, call);
  for (const assignment of stale) await unassign(onRegistry, assignment, call);
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
