/** Repositories of images. To the registry itself a repository exists from its first push on; until then it is a scope map. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import { isOwnName, type RoutableName } from "../../../core/names.ts";
import type { Page, PageRequest } from "../../../core/registry.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { unexpected } from "../errors.ts";
import { scopeMapName } from "../names.ts";
import { readCatalog } from "./catalog.ts";
import type { AcrContext } from "./context.ts";
import { type Action, accessToken, missingRoles, onRepository } from "./credentials.ts";
import { type RegistryAnswer, requestRegistry, textIn } from "./http.ts";
import { deleteScopeMap, findScopeMap, listScopeMaps, writeScopeMap } from "./scope-maps.ts";

/**
 * Creates the repository's scope map, or corrects it.
 *
 * @throws RESOURCE_CONFLICT where somebody else's scope map has the name: we never overwrite it
 */
export async function createRepository(
  context: AcrContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const found = await findScopeMap(context, name, call);
  if (found?.ownership === "foreign") throw foreignScopeMap(name);
  if (found?.state === "deleting") throw conflict(`"${name}" is being deleted.`);
  const isRight = found?.ownership === "exact" && found.state === "exists";
  const made = isRight ? found : await writeScopeMap(context, name, found?.state === "exists", call);
  if (made?.ownership === "foreign") throw foreignScopeMap(name);
  // Somebody deleted it just after we made it. The deletion wins.
  if (made === undefined) throw conflict(`"${name}" was deleted while it was created.`);
  if (made.createdAt === undefined) throw conflict(`"${name}" is still being created.`);
  return toResponse(context, name, [made.createdAt, await firstPush(context, name, call)], call);
}

/** @throws RESOURCE_NOT_FOUND where there is neither a scope map of ours nor an image */
export async function getRepository(context: AcrContext, name: RoutableName, call: Call): Promise<RepositoryResponse> {
  const found = await findScopeMap(context, name, call);
  const own = found?.ownership === "foreign" || found?.state === "deleting" ? undefined : found;
  const pushedAt = await firstPush(context, name, call);
  if (own !== undefined || pushedAt !== undefined) return toResponse(context, name, [own?.createdAt, pushedAt], call);
  throw noRepository(name);
}

/**
 * Lists the repositories in the order of their names: those that have an image, and those that have only their scope map yet.
 *
 * Each page reads all scope maps, because Azure does not list them by repository. So no repository is missed or told twice
 * that gets its first image, or its scope map, while the list is read.
 */
export async function listRepositories(
  context: AcrContext,
  { cursor, pageSize }: PageRequest,
  call: Call,
): Promise<Page<RepositoryResponse>> {
  const { prefix } = context.names;
  // The names that are not ours and come before the prefix are passed over, but for those that begin with most of it.
  const last = cursor ?? prefix.slice(0, -1);
  const reserved = new Map(
    (await listScopeMaps(context, call))
      .filter(({ repository, state }) => repository > last && state !== "deleting")
      .map(({ repository, createdAt }) => [repository, createdAt]),
  );
  const { names, goesOn } = await readCatalog(context, { last, most: pageSize }, call);
  const end = goesOn ? names.at(-1) : undefined;
  // Whatever is ours is the prefix itself, or goes on with a slash, after which the next character is 0.
  const isOver = end === undefined || (prefix !== "" && end >= `${prefix}0`);
  const upTo = [...reserved.keys()].filter((name) => isOver || name <= end);
  const ours = [...new Set([...names, ...upTo])].filter((name) => isOwnName(name, context.names.resolveId)).sort();
  const page = ours.slice(0, pageSize);
  const uri = await context.loginServer(call);
  const items = page.map((name) => {
    const createdAt = reserved.get(name);
    return { name, uri: `${uri}/${name}`, ...(createdAt && { createdAt: createdAt.toISOString() }) };
  });
  const next = ours.length > page.length ? page.at(-1) : isOver ? undefined : end;
  return { items, ...(next !== undefined && { next }) };
}

/** The refusal of what was never created, or was deleted. */
export function noRepository(name: RoutableName): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${name}".`, {
    hint: "Create it with createRepository.",
  });
}

/**
 * Deletes the repository with all its images, and then its scope map. While the scope map exists, a deletion has not
 * finished, and the same call finishes it. Somebody else's scope map stays.
 *
 * @throws INVALID_INPUT for the bare prefix, which everything that is deployed shares
 */
export async function deleteRepository(context: AcrContext, name: RoutableName, call: Call): Promise<void> {
  if (name === context.names.prefix) {
    throw invalidInput(`"${name}" is the registry's own repository, which cannot be deleted by itself.`, "repoId");
  }
  const found = await findScopeMap(context, name, call);
  // A repository that does not exist counts as deleted.
  await requestRepository(context, name, "DELETE", "delete", call);
  if (found !== undefined && found.ownership !== "foreign") await deleteScopeMap(context, name, call);
}

/** @param dates of the scope map and of the first image; others may have pushed before us, so the earlier one counts */
async function toResponse(
  context: AcrContext,
  name: RoutableName,
  dates: readonly (Date | undefined)[],
  call: Call,
): Promise<RepositoryResponse> {
  const known = dates.filter((each) => each !== undefined).map((each) => each.getTime());
  return {
    name,
    uri: `${await context.loginServer(call)}/${name}`,
    ...(known.length > 0 && { createdAt: new Date(Math.min(...known)).toISOString() }),
  };
}

/** @returns when the repository got its first image; undefined if it has none */
async function firstPush(context: AcrContext, name: RoutableName, call: Call): Promise<Date | undefined> {
  const { status, json } = await requestRepository(context, name, "GET", "metadata_read", call);
  if (status === 404) return undefined;
  const createdAt = new Date(textIn(json, "createdTime") ?? Number.NaN);
  if (Number.isNaN(createdAt.getTime())) throw unexpected("ACR GET repository");
  return createdAt;
}

/** Sends a request to the registry's own API for repositories, with a token for this request only. */
async function requestRepository(
  context: AcrContext,
  name: RoutableName,
  method: "GET" | "DELETE",
  action: Action,
  call: Call,
): Promise<RegistryAnswer> {
  const { token } = await accessToken(context, onRepository(name, [action]), call);
  return requestRegistry(context, call, {
    what: `ACR ${method} repository`,
    hint: missingRoles([action], name),
    // The name is one segment, so that `team` is never read where `team/app` is meant.
    path: `/acr/v1/${encodeURIComponent(name)}?api-version=2021-07-01`,
    method,
    authorization: `Bearer ${token.reveal()}`,
    expect: [200, 202, 404],
  });
}

function foreignScopeMap(name: RoutableName): ArtifactRegistryError {
  const scopeMap = scopeMapName(name);
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `The registry already has a scope map "${scopeMap}", which was not made for this repository.`,
    { hint: "Delete that scope map if nobody needs it, or choose another name.", context: { scopeMap } },
  );
}

function conflict(message: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", message, { retryable: true });
}
