import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { OciError, repositoryMarker } from "../../../oci/client/index.ts";
import { readManifest, readReferrers } from "./contents.ts";
import { type ExternalContext, step } from "./context.ts";
import { listTags } from "./tags.ts";

const rounds = 3;
/** How registries refuse a deletion while something else still points at it. */
const inUse = new Set([400, 409, 412]);

/**
 * Deletes every manifest that a tag, an index or the referrers lead to, their layers, and last the marker: what is
 * left of a deletion that broke off is still found, so that the same call again finishes it. What no list of the
 * registry leads to (an image whose tag was moved away) cannot be deleted over the distribution API.
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
      // With a manifest its other tags go. One that is still listed then, and leads nowhere, would be listed for ever.
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
  // Layers before their manifest, so that a deletion that breaks off here still leads to them.
  const kept = await removeBlobs(context, name, manifest.blobs, call);
  await remove(context, name, digest, call);
  for (const each of held) await remove(context, name, each, call);
  await removeBlobs(context, name, kept, call);
  return true;
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
 * A layer without a manifest is no image any more: registries that delete none, or keep those in use, sweep them.
 *
 * @returns those that the registry kept, for it may let them go when their manifest is gone
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
