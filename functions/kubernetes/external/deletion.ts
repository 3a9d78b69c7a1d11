import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isDigest, OciError, repositoryMarker } from "../../../oci/client/index.ts";
import { type ExternalContext, step } from "./context.ts";
import { listTags } from "./repositories.ts";

const rounds = 3;
/** The statuses with which registries refuse a deletion while something else still points at its target. */
const inUse = new Set([400, 409, 412]);

/**
 * Deletes every manifest that a tag, an index or the referrers lead to, then its layers, and the marker last. A deletion
 * that was stopped leaves only what can still be found, so the same call again finishes it. An image whose tag was moved away
 * is in no list of the registry, and cannot be deleted over the distribution API.
 *
 * @throws OPERATION_NOT_SUPPORTED where the registry forbids deletion, RESOURCE_CONFLICT while somebody pushes
 */
export async function deleteRepository(context: ExternalContext, name: RoutableName, call: Call): Promise<void> {
  for (let round = 1; ; round++) {
    const tags = await listTags(context, name, call);
    if (tags.length === 0) break;
    if (round > rounds) {
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", `"${name}" is pushed to while it is deleted.`, {
        retryable: true,
        hint: "Stop what pushes to it, and delete it again.",
      });
    }
    const done = new Set<string>();
    for (const tag of tags) {
      const found = await deleteImage(context, name, tag, done, call);
      // Its other tags go with a manifest. A tag that is still listed leads nowhere, and must be deleted by itself.
      if (!found && round > 1) await remove(context, name, tag, call);
    }
  }
  await deleteImage(context, name, repositoryMarker.manifest.digest, new Set(), call);
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
  done: Set<string>,
  call: Call,
): Promise<boolean> {
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
      await deleteImage(context, name, each, done, call);
    } catch (error) {
      if (!isInUse(error)) throw error;
      held.push(each);
    }
  }
  // We delete layers before their manifest. If we are stopped in between, the next deletion still finds them.
  const kept = await removeBlobs(context, name, manifest.blobs, call);
  await remove(context, name, digest, call);
  for (const each of held) await remove(context, name, each, call);
  await removeBlobs(context, name, kept, call);
  return true;
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

function digests(content: unknown, key: string): string[] {
  if (typeof content !== "object" || content === null) return [];
  const value = (content as Record<string, unknown>)[key];
  return (Array.isArray(value) ? value : [value])
    .map((each: unknown) => (each as { digest?: unknown } | undefined | null)?.digest)
    .filter((digest): digest is string => typeof digest === "string" && isDigest(digest));
}

function remove(context: ExternalContext, name: RoutableName, reference: string, call: Call): Promise<void> {
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
        if (error instanceof OciError && (error.status === 403 || inUse.has(error.status))) kept.push(digest);
        else if (!isForbidden(error)) throw error;
      }
    });
  await Promise.all(digests.map(removeBlob));
  return kept;
}

function isForbidden(error: unknown): boolean {
  return error instanceof OciError && (error.status === 405 || error.code === "UNSUPPORTED");
}

function isInUse(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof OciError && inUse.has(cause.status);
}

function deletionForbidden({ host }: ExternalContext, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", `The registry ${host} forbids deletion.`, {
    hint:
      "Allow it in the registry's settings (distribution: storage.delete.enabled, or the variable " +
      "REGISTRY_STORAGE_DELETE_ENABLED=true), or delete the repository with the registry's own tools.",
    cause,
  });
}
