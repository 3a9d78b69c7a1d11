/** Scope maps. We reserve a repository by one before its first push, and know by it that the repository is ours. */
import type { ScopeMap } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { runOperation } from "../arm/operations.ts";
import { armList, registryPages } from "../arm/pages.ts";
import { armRequest } from "../arm/requests.ts";
import { isNotFound, unexpected } from "../errors.ts";
import { scopeMapName } from "../names.ts";
import type { AcrContext } from "./context.ts";

/** What a scope map of ours allows, and nothing else (shared contract: content and metadata, read and write). */
const permissions = ["content/read", "content/write", "metadata/read", "metadata/write"] as const;

/**
 * The description of our scope maps. We know them by it, whatever has become of their actions. It does not name the
 * repository: the actions do, and Azure does not document how long a description may be.
 */
const marker = "Made by artifact-registry functions for this one repository.";

/** The part of a scope map that we read. */
export type ScopeMapState = Pick<ScopeMap, "description" | "actions">;

/** The content of the scope map of a repository. */
export function scopeMapFor(repository: RoutableName): { description: string; actions: string[] } {
  return { description: marker, actions: permissions.map((each) => `repositories/${repository}/${each}`) };
}

/** The repository that a scope map of ours is for; undefined for any other scope map. */
export function ownRepositoryOf({ description, actions = [] }: ScopeMapState): string | undefined {
  if (description !== marker) return undefined;
  return /^repositories\/(.+)\/[a-z]+\/[a-z]+$/.exec(actions[0] ?? "")?.[1];
}

/**
 * Tells who made the scope map that has a repository's name.
 *
 * - `exact`: ours, with exactly its actions, in any order.
 * - `drifted`: ours, but with other actions on this same repository. We may correct them.
 * - `foreign`: somebody else made it, or it concerns another repository. We never overwrite or delete it.
 */
export type ScopeMapOwnership = "exact" | "drifted" | "foreign";

/** Finds out who made a scope map that has the name of this repository's. */
export function ownershipOf(scopeMap: ScopeMapState, repository: RoutableName): ScopeMapOwnership {
  const actions = new Set(scopeMap.actions ?? []);
  if (scopeMap.description !== marker) return "foreign";
  const own = `repositories/${repository}/`;
  // `repositories/team/app/content/read` begins as an action of `team` does; its permission tells the two apart.
  const isOwn = (action: string) => action.startsWith(own) && /^[a-z]+\/[a-z]+$/.test(action.slice(own.length));
  const expected = scopeMapFor(repository).actions;
  if (expected.length === actions.size && expected.every((action) => actions.has(action))) return "exact";
  return [...actions].every(isOwn) ? "drifted" : "foreign";
}

const permission = (verb: string) => `Microsoft.ContainerRegistry/registries/scopeMaps/${verb}`;

export interface FoundScopeMap {
  readonly ownership: ScopeMapOwnership;
  /** Absent while it is being made. */
  readonly createdAt?: Date;
  readonly state: "exists" | "failed" | "deleting";
}

/** @returns the scope map with a repository's name; undefined if there is none */
export async function findScopeMap(
  context: AcrContext,
  name: RoutableName,
  call: Call,
): Promise<FoundScopeMap | undefined> {
  const found = await getScopeMap(context, name, call);
  return found && toFound(found, name);
}

async function getScopeMap(
  { arm, binding }: AcrContext,
  name: RoutableName,
  call: Call,
): Promise<ScopeMap | undefined> {
  const request = { action: "GET scopeMaps", permission: permission("read"), expected: isNotFound };
  try {
    const { resourceGroupName, registryName } = binding;
    return await armRequest(arm, call, request, ({ client }, options) =>
      client.scopeMaps.get(resourceGroupName, registryName, scopeMapName(name), options),
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** @throws UNEXPECTED_RESPONSE_FORMAT for an answer that does not tell whose it is: what we overwrite depends on that */
function toFound(scopeMap: ScopeMap, repository: RoutableName): FoundScopeMap {
  const { name, actions, creationDate, provisioningState } = scopeMap;
  if (name === undefined || !Array.isArray(actions)) throw unexpected("Azure Resource Manager GET scopeMaps");
  return {
    ownership: ownershipOf(scopeMap, repository),
    state: stateOf(provisioningState),
    ...(creationDate && { createdAt: creationDate }),
  };
}

function stateOf(provisioningState: string | undefined): FoundScopeMap["state"] {
  switch (provisioningState) {
    case "Failed":
    case "Canceled":
      return "failed";
    case "Deleting":
      return "deleting";
    default:
      return "exists";
  }
}

/**
 * Creates the scope map of a repository, or corrects it, and waits until Azure has finished.
 *
 * @param exists whether it exists already, and is ours
 * @returns what exists then
 * @throws QUOTA_EXCEEDED naming the registry's limit and its use, where the registry tells them
 */
export async function writeScopeMap(
  context: AcrContext,
  name: RoutableName,
  exists: boolean,
  call: Call,
): Promise<FoundScopeMap | undefined> {
  const { resourceGroupName, registryName } = context.binding;
  const look = () => getScopeMap(context, name, call);
  const request = { action: `${exists ? "PATCH" : "PUT"} scopeMaps`, permission: permission("write"), look };
  const content = scopeMapFor(name);
  try {
    const made = await runOperation<ScopeMap>(context.arm, call, request, ({ scopeMaps }, options) =>
      scopeMaps[exists ? "update" : "create"](resourceGroupName, registryName, scopeMapName(name), content, options),
    );
    return made && toFound(made, name);
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError) || error.code !== "QUOTA_EXCEEDED") throw error;
    throw await quotaExceeded(context, error, call);
  }
}

/** Deletes the scope map of a repository and waits until it is gone. One that does not exist counts as deleted. */
export async function deleteScopeMap(context: AcrContext, name: RoutableName, call: Call): Promise<void> {
  const { arm, binding } = context;
  const look = () => getScopeMap(context, name, call);
  const request = { action: "DELETE scopeMaps", permission: permission("delete"), expected: isNotFound, look };
  try {
    await runOperation<ScopeMap>(arm, call, request, ({ scopeMaps }, options) =>
      scopeMaps.delete(binding.resourceGroupName, binding.registryName, scopeMapName(name), options),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** A repository that has a scope map of ours. */
export interface ReservedRepository {
  readonly repository: string;
  /** Absent while the scope map is being made. */
  readonly createdAt?: Date;
  readonly state: FoundScopeMap["state"];
}

/** The repositories that have a scope map of ours. */
export async function listScopeMaps({ arm, binding }: AcrContext, call: Call): Promise<readonly ReservedRepository[]> {
  const request = { action: "LIST scopeMaps", permission: permission("read") };
  const pages = registryPages<ScopeMap>(({ scopeMaps }, options) =>
    scopeMaps.list(binding.resourceGroupName, binding.registryName, options),
  );
  const found = await armList(arm, call, request, pages);
  return found.flatMap((each) => {
    const repository = ownRepositoryOf(each);
    if (repository === undefined) return [];
    const { creationDate, provisioningState } = each;
    return [{ repository, state: stateOf(provisioningState), ...(creationDate && { createdAt: creationDate }) }];
  });
}

/** What to do where a registry's scope maps go to their end. */
export const scopeMapsHint =
  "Delete repositories that nobody needs, or change the registry's tier: Basic has 100 scope maps, Standard 500, " +
  "Premium 50,000.";

/** Adds to the error of a used-up quota what the limit is and how much of it is in use, if the registry tells. */
async function quotaExceeded(context: AcrContext, cause: ArtifactRegistryError, call: Call): Promise<Error> {
  const usage = await scopeMapUsage(context, call);
  const numbers = usage === undefined ? "" : `: ${usage.inUse} of ${usage.limit} are in use`;
  return new ArtifactRegistryError("QUOTA_EXCEEDED", `The registry has no room for another scope map${numbers}.`, {
    hint: scopeMapsHint,
    context: { quota: "scopeMaps", ...usage },
    cause,
  });
}

/**
 * How many scope maps the registry has, and may have.
 *
 * @returns undefined if the registry does not tell, or the function may not ask
 */
export async function scopeMapUsage(
  { arm, binding }: AcrContext,
  call: Call,
): Promise<{ limit: number; inUse: number } | undefined> {
  const request = { action: "GET listUsages", permission: "Microsoft.ContainerRegistry/registries/listUsages/read" };
  try {
    const { value = [] } = await armRequest(arm, call, request, ({ client }, options) =>
      client.registries.listUsages(binding.resourceGroupName, binding.registryName, options),
    );
    const usage = value.find(({ name }) => /^scope ?maps$/i.test(name ?? ""));
    if (usage?.limit === undefined || usage.currentValue === undefined) return undefined;
    return { limit: usage.limit, inUse: usage.currentValue };
  } catch (error) {
    // It is no fault that the numbers are missing: whoever needs them says what it knows without them.
    if (error instanceof ArtifactRegistryError) return undefined;
    throw error;
  }
}
