import { manifestTypes } from "../media-types.ts";
import { digestOf, isDigest, verify } from "./digest.ts";
import { OciError } from "./errors.ts";
import { lengthOf, readLimited } from "./read.ts";
import { scope } from "./token.ts";
import type { Transport } from "./transport.ts";

/** Registries must accept 4 MiB. Anything far larger is no manifest. */
const maxManifestBytes = 16 * 1024 * 1024;

export type Manifest = { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: string };
export type ManifestHead = {
  readonly mediaType: string;
  readonly digest: string | undefined;
  readonly size: number | undefined;
};

/**
 * Stores a manifest, byte for byte, under a tag or under its digest.
 *
 * @returns its digest, and as `subject` the manifest to which the registry has linked it (`OCI-Subject`)
 * @throws OciError
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
    throw new OciError(answer.status, "DIGEST_MISMATCH", `stored ${digest}, the registry says ${said.slice(0, 80)}`);
  }
  const subject = answer.headers.get("oci-subject");
  return subject === null ? { digest } : { digest, subject };
}

/** Reads a manifest by tag or digest, and verifies it. @throws OciError 404 `MANIFEST_UNKNOWN` or `NAME_UNKNOWN` */
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

/** Returns what the registry says about a manifest, or undefined if it says that there is none. @throws OciError */
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

/** Deletes a tag, or a manifest by its digest. Returns false if it was not there. @throws OciError */
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
