import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isDigest, OciError, repositoryMarker } from "../../../oci/client/index.ts";
import { type ExternalContext, step } from "./context.ts";
import { listTags } from "./repositories.ts";

const rounds = 3;
const { tag: markerTag, manifest: marker } = repositoryMarker;

/**
 * Deletes every manifest that a tag, an index or the referrers lead to, with its layers, and the marker last. A deletion
 * that was stopped leaves only what can still be found, so the same call again finishes it. An image whose tag was moved away
 * is in no list of the registry, and cannot be deleted over the distribution API.
 *
 * @throws OPERATION_NOT_SUPPORTED where the registry forbids deletion, RESOURCE_CONFLICT while somebody pushes
 */
export async function deleteRepository(context: ExternalContext, name: RoutableName, call: Call): Promise<void> {
  const left = new Set<string>();
  for (let round = 1; ; round++) {
    const tags = (await listTags(context, name, call)).filter((tag) => tag !== markerTag);
    if (tags.length === 0) break;
    if (round > rounds) {
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", `"${name}" is pushed to while it is deleted.`, {
        retryable: true,
        hint: "Stop what pushes to it, and delete it again.",
      });
    }
    const walk = { done: new Set<string>(), left };
    for (const tag of tags) {
      try {
        const found = await deleteImage(context, name, tag, walk, call);
        // Its other tags go with a manifest. A tag that is still listed leads nowhere, and must be deleted by itself.
        if (!found && round > 1) await remove(context, name, tag, call);
      } catch (error) {
        if (!isInUse(error)) throw error;
        // An index has it, which another tag leads to. The next round finds it without one.
        if (round === rounds) throw stillHeld(name, tag, error);
      }
    }
  }
  // What was held when its index went must go now, or the caller is told.
  const last = { done: new Set<string>(), left: new Set<string>() };
  for (const digest of left) {
    await deleteImage(context, name, digest, last, call).catch((error: unknown) => {
      throw isInUse(error) ? stillHeld(name, digest, error) : error;
    });
  }
  if (!(await deleteImage(context, name, markerTag, last, call))) {
    // Earlier versions pushed the marker without a tag.
    await deleteImage(context, name, marker.digest, last, call);
  }
}

/** What a deletion knows of the manifests that it has met, by digest. */
interface Walk {
  readonly done: Set<string>;
  /** Those that something else still held when all that we knew of was gone. */
  readonly left: Set<string>;
}

/**
 * Deletes a manifest after everything that it leads to.
 *
 * @returns whether there was one
 */
async function deleteImage(
  context: ExternalContext,
  name: RoutableName,
  reference: string,
  walk: Walk,
  call: Call,
): Promise<boolean> {
  const { done, left } = walk;
  if (done.has(reference)) return true;
  const manifest = await readManifest(context, name, reference, call);
  if (manifest === undefined) return false;
  const { digest } = manifest;
  if (done.has(digest)) return true;
  done.add(digest);
  const below = [...(await readReferrers(context, name, digest, call)), ...manifest.children];
  const held: string[] = [];
  for (const each of below) {
    try {
      await deleteImage(context, name, each, walk, call);
    } catch (error) {
      if (!isInUse(error)) throw error;
      // The registry keeps it until what leads to it is gone, and then its layers can go as well.
      held.push(each);
    }
  }
  // We delete layers before their manifest. If we are stopped in between, the next deletion still finds them.
  const kept = await removeBlobs(context, name, manifest.blobs, call);
  const gone = await removeManifest(context, name, { digest, reference }, call).catch((error: unknown) => {
    done.delete(digest);
    throw error;
  });
  if (!gone) {
    // Another tag or an index leads to it, and will lead here again.
    done.delete(digest);
    left.add(digest);
    return true;
  }
  for (const each of held) {
    try {
      await deleteImage(context, name, each, walk, call);
    } catch (error) {
      // Another index, or a tag of its own, leads to it as well.
      if (!isInUse(error)) throw error;
      left.add(each);
    }
  }
  // zot keeps a layer for as long as a manifest has it (405, `ErrBlobReferenced`).
  await removeBlobs(context, name, kept, call);
  return true;
}

/**
 * Deletes a manifest with its tags. Where the registry wants its tags to go one by one, as zot does (409,
 * `RemoveManifestDescByReference`), this deletes the tag that led here, and the manifest with its last tag.
 *
 * @returns false if another tag, or an index, still holds the manifest
 */
async function removeManifest(
  context: ExternalContext,
  name: RoutableName,
  { digest, reference }: { readonly digest: string; readonly reference: string },
  call: Call,
): Promise<boolean> {
  try {
    await remove(context, name, digest, call);
    return true;
  } catch (error) {
    if (reference === digest || !isInUse(error)) throw error;
  }
  // The image loses the tag, and can no longer be found by it: the caller must remember the digest.
  await remove(context, name, reference, call);
  try {
    await remove(context, name, digest, call);
    return true;
  } catch (error) {
    if (!isInUse(error)) throw error;
    return false;
  }
}

/** A manifest with what it points at. */
interface StoredManifest {
  readonly digest: string;
  /** Manifests of an index. */
  readonly children: readonly string[];
  readonly blobs: readonly string[];
}

/** Reads a manifest. @returns undefined where it is gone */
function readManifest(
  context: ExternalContext,
  name: RoutableName,
  reference: string,
  call: Call,
): Promise<StoredManifest | undefined> {
  return step(context, call, { what: "read manifest", as: "account" }, async (client) => {
    try {
      const { digest, bytes } = await client.pullManifest(name, reference);
      return { digest, ...pointedAt(bytes) };
    } catch (error) {
      if (error instanceof OciError && error.status === 404) return undefined;
      throw error;
    }
  });
}

/** Lists the manifests that name this one as their subject: signatures, attestations. */
function readReferrers(context: ExternalContext, name: RoutableName, digest: string, call: Call): Promise<string[]> {
  return step(context, call, { what: "list referrers", as: "account" }, async (client) =>
    (await client.referrers(name, digest)).map((each) => each.digest).filter(isDigest),
  );
}

/** Reads what a manifest or an index points at. Only a digest ever becomes part of a path. */
function pointedAt(bytes: Uint8Array): Omit<StoredManifest, "digest"> {
  const content: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const blobs = [...digests(content, "config"), ...digests(content, "layers"), ...digests(content, "fsLayers")];
  return { children: digests(content, "manifests"), blobs: [...new Set(blobs)] };
}

export function digests(content: unknown, key: string): string[] {
  if (typeof content !== "object" || content === null) return [];
  const value = (content as Record<string, unknown>)[key];
  return (Array.isArray(value) ? value : [value])
    .map((each: unknown) => (each as { digest?: unknown } | undefined | null)?.digest)
    .filter((digest): digest is string => typeof digest === "string" && isDigest(digest));
}

/** Deletes a manifest by its digest, or by a tag. What is not there is no error. */
export function remove(context: ExternalContext, name: RoutableName, reference: string, call: Call): Promise<void> {
  return step(context, call, { what: "delete manifest", as: "account" }, async (client) => {
    try {
      await client.deleteManifest(name, reference);
    } catch (error) {
      if (isForbidden(error)) throw deletionForbidden(context, error);
      throw error;
    }
  });
}

/**
 * Deletes layers. A registry may refuse to delete any, or those that are in use: it sweeps them itself once no manifest
 * needs them.
 *
 * @returns the layers that the registry kept; it may let them go when their manifest is gone
 */
async function removeBlobs(
  context: ExternalContext,
  name: RoutableName,
  digests: readonly string[],
  call: Call,
): Promise<string[]> {
  const kept: string[] = [];
  const removeBlob = (digest: string) =>
    step(context, call, { what: "delete blob", as: "account" }, async (client) => {
      try {
        await client.deleteBlob(name, digest);
      } catch (error) {
        if (error instanceof OciError && (error.status === 403 || isHeld(error))) kept.push(digest);
        else if (!isForbidden(error)) throw error;
      }
    });
  await Promise.all(digests.map(removeBlob));
  return kept;
}

/**
 * Tells whether the registry refuses because something else still points at the target. zot does so with a 405, which
 * otherwise means that nothing can be deleted, and tells the two apart by the code (`pkg/api/routes.go`, `DeleteBlob`).
 */
function isHeld({ status, code }: OciError): boolean {
  return [400, 409, 412].includes(status) || (status === 405 && code === "DENIED");
}

export function isForbidden(error: unknown): boolean {
  if (!(error instanceof OciError)) return false;
  return error.code === "UNSUPPORTED" || (error.status === 405 && !isHeld(error));
}

/** Tells whether the registry refused because something else still points at the target. */
export function isInUse(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof OciError && isHeld(cause);
}

function stillHeld(name: RoutableName, reference: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry keeps "${reference}" of "${name}".`, {
    hint: "Something that no tag leads to holds it. Wait for the registry's garbage collection, and delete the repository again.",
    cause,
  });
}

function deletionForbidden({ host }: ExternalContext, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", `The registry ${host} forbids deletion.`, {
    hint:
      "Allow it in the registry's settings (distribution: storage.delete.enabled, or the variable " +
      "REGISTRY_STORAGE_DELETE_ENABLED=true), or delete the repository with the registry's own tools.",
    cause,
  });
}
