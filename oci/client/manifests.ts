/** The client's requests for manifests (distribution-spec, "Pulling manifests", "Pushing Manifests" and so on). */
import { manifestTypes } from "../media-types.ts";
import { digestOf, isDigest, verify } from "./digest.ts";
import { OciError } from "./errors.ts";
import { lengthOf, readLimited } from "./read.ts";
import { scope } from "./token.ts";
import type { Transport } from "./transport.ts";

/** The specification asks registries to accept manifests of 4 megabytes. An answer that is far larger is not a manifest. */
const maxManifestBytes = 16 * 1024 * 1024;

/** A manifest as it was pushed. Its digest has been verified. */
export type Manifest = { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: string };
/** What a registry says about a manifest. Nothing of it has been verified; `size` is in bytes. */
export type ManifestHead = {
  readonly mediaType: string;
  readonly digest: string | undefined;
  readonly size: number | undefined;
};

/**
 * Stores a manifest, byte for byte, under a tag or under its digest (distribution-spec, "Pushing Manifests"). The blobs that
 * it names must be in the repository already.
 *
 * @returns its digest, and as `subject` the digest of the manifest to which the registry has linked it (`OCI-Subject`)
 * @throws OciError; `DIGEST_MISMATCH` if the registry says that it has stored something else
 */
export async function pushManifest(
  transport: Transport,
  repository: string,
  reference: string,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
): Promise<{ digest: string; subject?: string }> {
  const answer = await transport.send({
    method: "PUT",
    to: path(repository, reference),
    scopes: [scope.push(repository)],
    headers: { "content-type": manifest.mediaType },
    body: manifest.bytes,
    expect: [201],
  });
  await answer.body?.cancel();
  const digest = isDigest(reference) ? reference : digestOf(manifest.bytes);
  const said = answer.headers.get("docker-content-digest");
  if (said?.startsWith("sha512:")) verify(manifest.bytes, said);
  else if (said !== null && said !== digest && !digest.startsWith("sha512:")) {
    throw new OciError(
      answer.status,
      "DIGEST_MISMATCH",
      `The registry says that it stored ${said.slice(0, 80)}, not ${digest}.`,
    );
  }
  const subject = answer.headers.get("oci-subject");
  return subject === null ? { digest } : { digest, subject };
}

/**
 * Reads a manifest by tag or digest (distribution-spec, "Pulling manifests"), and verifies it: against the digest if that is
 * what was asked for, else against the digest that the registry gives.
 *
 * @param accept the media types that are wanted; a registry answers 404 for a manifest of another type
 * @throws OciError; 404 `MANIFEST_UNKNOWN` or `NAME_UNKNOWN` if there is no such manifest
 */
export async function pullManifest(
  transport: Transport,
  repository: string,
  reference: string,
  accept: readonly string[] = manifestTypes,
): Promise<Manifest> {
  const answer = await transport.send({
    to: path(repository, reference),
    scopes: [scope.pull(repository)],
    headers: { accept: accept.join(", ") },
    expect: [200],
  });
  const bytes = await readLimited(answer, maxManifestBytes);
  const said = answer.headers.get("docker-content-digest") ?? undefined;
  const digest = isDigest(reference) ? reference : (said ?? digestOf(bytes));
  verify(bytes, digest);
  return { bytes, mediaType: mediaTypeOf(answer), digest };
}

/**
 * Asks whether a manifest exists (distribution-spec, "Checking if content exists in the registry").
 *
 * @param accept the media types that are wanted, as for {@link pullManifest}
 * @returns what the registry says about it, or undefined if the registry answers that there is no such manifest
 * @throws OciError
 */
export async function headManifest(
  transport: Transport,
  repository: string,
  reference: string,
  accept: readonly string[] = manifestTypes,
): Promise<ManifestHead | undefined> {
  const answer = await transport.send({
    method: "HEAD",
    to: path(repository, reference),
    scopes: [scope.pull(repository)],
    headers: { accept: accept.join(", ") },
    expect: [200, 404],
  });
  if (answer.status === 404) return undefined;
  return {
    mediaType: mediaTypeOf(answer),
    digest: answer.headers.get("docker-content-digest") ?? undefined,
    size: lengthOf(answer),
  };
}

/**
 * Deletes a tag, or a manifest by its digest (distribution-spec, "Deleting tags" and "Deleting Manifests"). Returns false if
 * it was not there.
 *
 * @throws OciError, such as 405 `UNSUPPORTED` from a registry that deletes nothing
 */
export async function deleteManifest(transport: Transport, repository: string, reference: string): Promise<boolean> {
  const answer = await transport.send({
    method: "DELETE",
    to: path(repository, reference),
    scopes: [scope.delete(repository)],
    expect: [200, 202, 204, 404],
  });
  await answer.body?.cancel();
  return answer.status !== 404;
}

function path(repository: string, reference: string): string {
  return `v2/${repository}/manifests/${reference}`;
}

function mediaTypeOf(answer: Response): string {
  return (answer.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
}
