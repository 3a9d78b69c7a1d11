import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { scopeMapName } from "../names.ts";
import type { AcrContext } from "./context.ts";
import { deleteImages, firstPush } from "./repository.ts";
import { deleteScopeMap, findScopeMap, writeScopeMap } from "./scope-maps.ts";

/**
 * Makes the repository's scope map: to the registry itself a repository comes into being by its first push.
 *
 * @throws RESOURCE_CONFLICT where somebody else's scope map stands under the name: it is not overwritten
 */
export async function createRepository(
  context: AcrContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const found = await findScopeMap(context, name, call);
  if (found?.ownership === "foreign") throw foreignScopeMap(name);
  if (found?.state === "deleting") throw conflict(`"${name}" is being deleted.`);
  const isRight = found?.ownership === "exact" && found.state === "there";
  const made = isRight ? found : await writeScopeMap(context, name, found?.state === "there", call);
  if (made?.ownership === "foreign") throw foreignScopeMap(name);
  // Somebody deleted it when it was just made; that somebody wins.
  if (made === undefined) throw conflict(`"${name}" was deleted while it was created.`);
  if (made.createdAt === undefined) throw conflict(`"${name}" is still being created.`);
  return answer(context, name, [made.createdAt, await firstPush(context, name, call)], call);
}

/** @throws RESOURCE_NOT_FOUND where there is neither a scope map of ours nor an image */
export async function getRepository(context: AcrContext, name: RoutableName, call: Call): Promise<RepositoryResponse> {
  const found = await findScopeMap(context, name, call);
  const ours = found?.ownership === "foreign" || found?.state === "deleting" ? undefined : found;
  const pushedAt = await firstPush(context, name, call);
  if (ours !== undefined || pushedAt !== undefined) return answer(context, name, [ours?.createdAt, pushedAt], call);
  throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${name}".`, {
    hint: "Create it with createRepository.",
  });
}

/**
 * Deletes the repository with all its images, then its scope map: as long as that stands, a deletion is not finished,
 * and the same call finishes it. Somebody else's scope map stays.
 *
 * @throws INVALID_INPUT for the bare prefix, which all that is deployed shares
 */
export async function deleteRepository(context: AcrContext, name: RoutableName, call: Call): Promise<void> {
  if (name === context.names.prefix) {
    throw invalidInput(`"${name}" is the registry's own repository; it is not deleted by itself.`, "repoId");
  }
  const found = await findScopeMap(context, name, call);
  await deleteImages(context, name, call);
  if (found !== undefined && found.ownership !== "foreign") await deleteScopeMap(context, name, call);
}

/** A repository is as old as the first that was there: its scope map, or, where others pushed before, its images. */
async function answer(
  context: AcrContext,
  name: RoutableName,
  moments: readonly (Date | undefined)[],
  call: Call,
): Promise<RepositoryResponse> {
  const known = moments.filter((each) => each !== undefined).map((each) => each.getTime());
  return {
    name,
    uri: `${await context.loginServer(call)}/${name}`,
    ...(known.length > 0 && { createdAt: new Date(Math.min(...known)).toISOString() }),
  };
}

function foreignScopeMap(name: RoutableName): ArtifactRegistryError {
  const scopeMap = scopeMapName(name);
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `The registry has a scope map "${scopeMap}" already, which was not made for this repository.`,
    { hint: "Delete that scope map if nobody needs it, or choose another name.", context: { scopeMap } },
  );
}

function conflict(message: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", message, { retryable: true });
}
