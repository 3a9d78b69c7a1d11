/** The images of a repository: listing them, and deleting an image or a tag. */
import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { ImageReference, Page, PageRequest } from "../../../core/registry.ts";
import type { Image } from "../../../core/registry-schemas.ts";
import { unexpected } from "../errors.ts";
import type { AcrContext } from "./context.ts";
import { type Action, accessToken, missingRoles, onRepository } from "./credentials.ts";
import { type RegistryAnswer, type RegistryRequest, requestRegistry, tellsNext } from "./http.ts";
import { noRepository } from "./repositories.ts";
import { findScopeMap } from "./scope-maps.ts";

const version = "2021-07-01";

/** AcrManifests of Azure.ContainerRegistry 2021-07-01. What has no tags lacks them. */
const manifestsPage = v.looseObject({
  manifests: v.nullable(
    v.array(
      v.looseObject({
        digest: v.string(),
        createdTime: v.string(),
        imageSize: v.optional(v.number()),
        mediaType: v.optional(v.string()),
        tags: v.nullish(v.array(v.string())),
      }),
    ),
  ),
});

/**
 * Lists the images of a repository, also those without a tag. One that has only its scope map yet has none.
 *
 * @throws RESOURCE_NOT_FOUND where there is neither a scope map of ours nor an image
 */
export async function listImages(
  context: AcrContext,
  name: RoutableName,
  { cursor, pageSize }: PageRequest,
  call: Call,
): Promise<Page<Image>> {
  const what = "ACR GET manifests";
  const query = new URLSearchParams({ "api-version": version, n: String(pageSize), ...(cursor && { last: cursor }) });
  const request = { what, path: `${pathOf(name)}/_manifests?${query}`, method: "GET", expect: [200, 404] } as const;
  const { status, json, headers } = await onImages(context, name, "metadata_read", request, call);
  if (status === 404) {
    const found = await findScopeMap(context, name, call);
    const isOurs = found !== undefined && found.ownership !== "foreign" && found.state !== "deleting";
    // What was there on the page before was deleted meanwhile.
    if (isOurs || cursor !== undefined) return { items: [] };
    throw noRepository(name);
  }
  if (!v.is(manifestsPage, json)) throw unexpected(what);
  const items = (json.manifests ?? []).map(({ digest, createdTime, imageSize, mediaType, tags }) => {
    const pushedAt = new Date(createdTime);
    if (Number.isNaN(pushedAt.getTime())) throw unexpected(what);
    return {
      digest,
      tags: [...(tags ?? [])],
      ...(mediaType !== undefined && { mediaType }),
      // Of an index Azure tells no size, or none but that of its own bytes.
      ...(imageSize && Number.isSafeInteger(imageSize) && { sizeBytes: imageSize }),
      pushedAt: pushedAt.toISOString(),
    };
  });
  const end = items.at(-1)?.digest;
  if (end === undefined || !tellsNext(headers)) return { items };
  // A list that does not go on would be read for ever.
  if (end === cursor) throw unexpected(what);
  return { items, next: end };
}

/**
 * Deletes an image with its tags, or a tag alone. What does not exist counts as deleted. Azure deletes an image that an index
 * holds as well, and the index is then incomplete.
 *
 * @throws RESOURCE_CONFLICT for what is locked
 */
export async function deleteImage(
  context: AcrContext,
  name: RoutableName,
  reference: ImageReference,
  call: Call,
): Promise<void> {
  const request =
    "digest" in reference
      ? { what: "ACR DELETE manifest", path: `/v2/${name}/manifests/${reference.digest}` }
      : { what: "ACR DELETE tag", path: `${pathOf(name)}/_tags/${reference.tag}?api-version=${version}` };
  await onImages(context, name, "delete", { ...request, method: "DELETE", expect: [200, 202, 404] }, call);
}

/** The name is one segment, so that `team` is never read where `team/app` is meant. */
function pathOf(name: RoutableName): string {
  return `/acr/v1/${encodeURIComponent(name)}`;
}

/** Sends a request about a repository's images, with a token for this request only. */
async function onImages(
  context: AcrContext,
  name: RoutableName,
  action: Action,
  request: Omit<RegistryRequest, "hint" | "authorization">,
  call: Call,
): Promise<RegistryAnswer> {
  const { token } = await accessToken(context, onRepository(name, [action]), call);
  const authorization = `Bearer ${token.reveal()}`;
  return requestRegistry(context, call, { ...request, hint: missingRoles([action], name), authorization });
}
