import type { ScopeMap } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { armRequest } from "../arm/arm.ts";
import { armOperation } from "../arm/operation.ts";
import { isNotFound, unexpected } from "../errors.ts";
import { scopeMapName } from "../names.ts";
import type { AcrContext } from "./context.ts";
import { nameLimit } from "./quota.ts";
import { ownershipOf, type ScopeMapOwnership, scopeMapFor } from "./scope-map.ts";

const permission = (verb: string) => `Microsoft.ContainerRegistry/registries/scopeMaps/${verb}`;

export interface FoundScopeMap {
  readonly ownership: ScopeMapOwnership;
  /** Absent while it is being made. */
  readonly createdAt?: Date;
  readonly state: "there" | "failed" | "deleting";
}

/** The scope map under a repository's name. */
export async function findScopeMap(
  { arm, binding }: AcrContext,
  name: RoutableName,
  call: Call,
): Promise<FoundScopeMap | undefined> {
  const request = { action: "GET scopeMaps", permission: permission("read"), expected: isNotFound };
  try {
    const { resourceGroupName, registryName } = binding;
    const found = await armRequest(arm, call, request, ({ client }, options) =>
      client.scopeMaps.get(resourceGroupName, registryName, scopeMapName(name), options),
    );
    return read(found, name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whose it is decides what is overwritten and deleted: an answer that does not tell that is none. */
function read(found: ScopeMap, name: RoutableName): FoundScopeMap {
  const { name: told, actions, creationDate, provisioningState } = found;
  if (told === undefined || !Array.isArray(actions)) throw unexpected("Azure Resource Manager GET scopeMaps");
  return {
    ownership: ownershipOf(found, name),
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
      return "there";
  }
}

/**
 * Makes the scope map of a repository, or puts it right, and waits until it is made.
 *
 * @param isThere whether there is one already, and it is ours
 * @returns what stands there then
 * @throws QUOTA_EXCEEDED naming the registry's limit and its use, where the registry tells them
 */
export async function writeScopeMap(
  context: AcrContext,
  name: RoutableName,
  isThere: boolean,
  call: Call,
): Promise<FoundScopeMap | undefined> {
  const { resourceGroupName, registryName } = context.binding;
  const request = { action: `${isThere ? "PATCH" : "PUT"} scopeMaps`, permission: permission("write") };
  const wanted = scopeMapFor(name);
  try {
    const made = await armOperation<ScopeMap>(context.arm, call, request, ({ scopeMaps }, options) =>
      scopeMaps[isThere ? "update" : "create"](resourceGroupName, registryName, scopeMapName(name), wanted, options),
    );
    return made && read(made, name);
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError) || error.code !== "QUOTA_EXCEEDED") throw error;
    throw await nameLimit(context, error, call);
  }
}

/** Deletes the scope map of a repository and waits until it is gone. One that does not exist is deleted already. */
export async function deleteScopeMap({ arm, binding }: AcrContext, name: RoutableName, call: Call): Promise<void> {
  const request = { action: "DELETE scopeMaps", permission: permission("delete"), expected: isNotFound };
  try {
    await armOperation(arm, call, request, ({ scopeMaps }, options) =>
      scopeMaps.delete(binding.resourceGroupName, binding.registryName, scopeMapName(name), options),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
