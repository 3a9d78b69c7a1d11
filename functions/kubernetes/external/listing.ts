import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import { isRoutable, type NameSpace, type RoutableName } from "../../../core/names.ts";
import { staleCursor } from "../../../core/pages.ts";
import type { ImageReference, Page, PageRequest } from "../../../core/registry.ts";
import type { Image } from "../../../core/registry-schemas.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { isDigest, OciError, repositoryMarker } from "../../../oci/client/index.ts";
import { type ExternalContext, step } from "./context.ts";
import { isForbidden, isInUse, remove } from "./deletion.ts";
import { getRepository, listTags } from "./repositories.ts";

/** The distribution API lists names alone, so that each name costs a request: a page is no larger. */
const repositoriesAtMost = 100;
/** Requests at a time. */
const atOnce = 16;

/** Why a registry's repositories cannot be listed, and what to do. */
export const withoutCatalog = {
  reason: "The registry's catalogue is shut, and the distribution API has no other list of repositories.",
  hint:
    "Give the binding's account the right to read /v2/_catalog (registry:catalog:* at a token service), and leave " +
    '"catalog" out of the binding; or list them with the registry\'s own tools.',
};

/**
 * Lists the repositories below our prefix by the registry's catalogue, a page of it at a time, and asks for each whether it is there: a
 * catalogue also has names whose images are all gone.
 *
 * @throws OPERATION_NOT_SUPPORTED where the registry shuts its catalogue
 */
export async function listRepositories(
  context: ExternalContext,
  space: NameSpace,
  { cursor, pageSize }: PageRequest,
  call: Call,
): Promise<Page<RepositoryResponse>> {
  const asked = { pageSize: Math.min(pageSize, repositoriesAtMost), next: cursor };
  const { names, next } = await step(context, call, { what: "list repositories", as: "account" }, (client) =>
    client.catalogPage(asked),
  ).catch((error: unknown) => {
    if (cursor !== undefined && isGone(error)) throw staleCursor();
    throw isShut(error) ? catalogShut(error) : error;
  });
  const found = await each(
    names.filter((name) => isRoutable(name, space)),
    async (name) => {
      try {
        return [await getRepository(context, name as RoutableName, call)];
      } catch (error) {
        if (error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND") return [];
        throw error;
      }
    },
  );
  return { items: found.flat(), next };
}

/**
 * Lists the images that a tag leads to, in the order of their digests. The distribution API has no list of the others. Each page asks for
 * each tag, since only the registry knows which tags are one image.
 *
 * @throws RESOURCE_NOT_FOUND
 */
export async function listImages(
  context: ExternalContext,
  name: RoutableName,
  { cursor = "", pageSize }: PageRequest,
  call: Call,
): Promise<Page<Image>> {
  const tags = await listTags(context, name, call);
  if (tags.length === 0) await getRepository(context, name, call);
  const byDigest = new Map<string, string[]>();
  await each(
    tags.filter((tag) => tag !== repositoryMarker.tag),
    async (tag) => {
      const digest = await digestOf(context, name, tag, call);
      if (digest !== undefined) byDigest.set(digest, [...(byDigest.get(digest) ?? []), tag]);
    },
  );
  byDigest.delete(repositoryMarker.manifest.digest);
  const after = [...byDigest.keys()].filter((digest) => digest > cursor).sort();
  const page = after.slice(0, pageSize);
  const items = await each(page, (digest) => describe(context, name, digest, byDigest.get(digest) ?? [], call));
  return { items: items.flat(), next: after.length > pageSize ? page.at(-1) : undefined };
}

/** @returns the digest that a tag leads to; undefined where the tag is gone */
async function digestOf(
  context: ExternalContext,
  name: RoutableName,
  tag: string,
  call: Call,
): Promise<string | undefined> {
  const what = { what: "look at a tag", as: "account" } as const;
  const head = await step(context, call, what, (client) => client.headManifest(name, tag));
  if (head === undefined) return undefined;
  if (head.digest !== undefined && isDigest(head.digest)) return head.digest;
  // The header is only a "should" (distribution-spec 1.1, "Pulling manifests").
  return (await step(context, call, what, (client) => client.pullManifest(name, tag))).digest;
}

async function describe(
  context: ExternalContext,
  name: RoutableName,
  digest: string,
  tags: readonly string[],
  call: Call,
): Promise<Image[]> {
  return step(context, call, { what: "read manifest", as: "account" }, async (client) => {
    try {
      const { bytes, mediaType } = await client.pullManifest(name, digest);
      return [{ digest, tags: [...tags].sort(), mediaType, sizeBytes: bytes.length + contentSize(bytes) }];
    } catch (error) {
      // It was deleted meanwhile.
      if (error instanceof OciError && error.status === 404) return [];
      throw error;
    }
  });
}

/** The bytes of the config and the layers of an image, as its manifest says. */
function contentSize(bytes: Uint8Array): number {
  const { config, layers } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, unknown>;
  const sizes = new Map(
    [config, layers].flat().map((blob) => {
      const { digest, size } = (blob ?? {}) as { digest?: unknown; size?: unknown };
      return [digest, typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? size : 0];
    }),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/**
 * Deletes an image with its tags, or a tag alone. Layers stay until the registry's garbage collection: another image may have them too.
 *
 * @throws OPERATION_NOT_SUPPORTED where the registry deletes nothing, or no tags; RESOURCE_CONFLICT where an index holds the image
 */
export async function deleteOneImage(
  context: ExternalContext,
  name: RoutableName,
  reference: ImageReference,
  call: Call,
): Promise<void> {
  const { tag: markerTag, manifest } = repositoryMarker;
  if ("tag" in reference) {
    if (reference.tag === markerTag) throw isMarker();
    return deleteTag(context, name, reference.tag, call);
  }
  const { digest } = reference;
  if (digest === manifest.digest) throw isMarker();
  try {
    return await remove(context, name, digest, call);
  } catch (error) {
    if (!isInUse(error)) throw error;
  }
  // zot wants tags to go one by one (409, `RemoveManifestDescByReference`).
  const tags = await listTags(context, name, call);
  await each(tags, async (tag) => {
    if ((await digestOf(context, name, tag, call)) === digest) await remove(context, name, tag, call);
  });
  await remove(context, name, digest, call).catch((error: unknown) => {
    throw isInUse(error) ? heldByIndex(digest, error) : error;
  });
}

/** Deletes a tag. A registry that deletes by digest alone would take the image's other tags as well, so it is not asked to. */
async function deleteTag(context: ExternalContext, name: RoutableName, tag: string, call: Call): Promise<void> {
  const what = { what: "delete tag", as: "account" } as const;
  await step(context, call, what, async (client) => {
    try {
      await client.deleteManifest(name, tag);
    } catch (error) {
      const byDigestOnly = error instanceof OciError && (isForbidden(error) || error.status === 400);
      throw byDigestOnly ? tagsStay(context, error) : error;
    }
  });
}

/** Does the work for each item, some at a time. */
async function each<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += atOnce) {
    results.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  }
  return results;
}

/** Tells whether the registry no longer knows the page that it named. */
function isGone(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof OciError && [400, 404].includes(cause.status);
}

/** Tells whether the registry has no catalogue for this account: it may hide it as it likes. */
function isShut(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return (
    cause instanceof OciError &&
    ([403, 404, 405].includes(cause.status) || (cause.status === 401 && cause.authenticated))
  );
}

function catalogShut(cause: unknown): ArtifactRegistryError {
  const { reason, hint } = withoutCatalog;
  return new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", reason, { hint, cause });
}

function isMarker(): ArtifactRegistryError {
  return invalidInput("This image marks the repository as created.", "reference", "Use deleteRepository.");
}

function tagsStay({ host }: ExternalContext, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", `The registry ${host} deletes no tag alone.`, {
    hint: "listImages tells the digest: deleting by it takes the image with all its tags. Or push another image by this tag.",
    cause,
  });
}

function heldByIndex(digest: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry keeps ${digest}: an index holds it.`, {
    hint: "Delete the index first, and this image then.",
    cause,
  });
}
