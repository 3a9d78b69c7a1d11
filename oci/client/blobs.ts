/** The client's requests for blobs (distribution-spec, "Pulling blobs", "Pushing blobs" and "Deleting Blobs"). */
import { verifying } from "./digest.ts";
import { OciError } from "./errors.ts";
import { lengthOf } from "./read.ts";
import { scope } from "./token.ts";
import type { Transport } from "./transport.ts";

/** A blob to upload: bytes, or a stream that is read once. */
export type BlobSource = {
  /** The digest of `body`. The registry verifies it. */
  readonly digest: string;
  /** The content. A stream cannot be sent twice, so a 401 to it is an error. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** The length of a stream in bytes. Some registries refuse a body of unknown length. */
  readonly size?: number;
  /** Another repository that may have the blob. It is mounted from there if possible, and else uploaded. */
  readonly mountFrom?: string;
  /** Sends the blob as PATCH requests of this many bytes, instead of one PUT. */
  readonly chunkBytes?: number;
};

/** A blob that the registry has now. `mounted` says that it came from another repository, and nothing was uploaded. */
export type PushedBlob = { readonly digest: string; readonly mounted: boolean };
/** A blob that is being downloaded, and its size in bytes if the registry says it. */
export type PulledBlob = { readonly size: number | undefined; readonly stream: ReadableStream<Uint8Array> };

/**
 * Uploads a blob with POST and PUT, with PATCH in between if it is sent in chunks, or mounts it (distribution-spec,
 * "Pushing blobs" and "Mounting a blob from another repository").
 *
 * @throws OciError
 */
export async function pushBlob(transport: Transport, repository: string, blob: BlobSource): Promise<PushedBlob> {
  const scopes = pushScopes(repository, blob.mountFrom);
  const query =
    blob.mountFrom === undefined ? "" : `?${new URLSearchParams({ mount: blob.digest, from: blob.mountFrom })}`;
  const begun = await transport.send({
    method: "POST",
    to: `v2/${repository}/blobs/uploads/${query}`,
    scopes,
    headers: { "content-length": "0" },
    expect: blob.mountFrom === undefined ? [202] : [201, 202],
  });
  await begun.body?.cancel();
  if (begun.status === 201) return { digest: blob.digest, mounted: true };
  let session = locationOf(transport, begun);
  let rest: BlobSource["body"] | undefined = blob.body;
  if (blob.chunkBytes !== undefined) {
    session = await sendChunks(transport, scopes, session, chunksOf(blob.body, blob.chunkBytes));
    rest = undefined;
  }
  const closing = new URL(session);
  closing.searchParams.set("digest", blob.digest);
  const size = rest instanceof Uint8Array ? rest.byteLength : rest === undefined ? 0 : blob.size;
  const done = await transport.send({
    method: "PUT",
    to: closing,
    scopes,
    headers: {
      "content-type": "application/octet-stream",
      ...(size === undefined ? {} : { "content-length": String(size) }),
    },
    ...(rest === undefined ? {} : { body: rest }),
    expect: [201],
  });
  await done.body?.cancel();
  return { digest: blob.digest, mounted: false };
}

/**
 * Asks the registry to mount a blob of another repository, and returns whether it did (distribution-spec, "Mounting a blob
 * from another repository"). If the registry opens an upload instead, this cancels it.
 *
 * @throws OciError
 */
export async function mountBlob(
  transport: Transport,
  repository: string,
  mount: { readonly digest: string; readonly from: string },
): Promise<boolean> {
  const scopes = pushScopes(repository, mount.from);
  const query = new URLSearchParams({ mount: mount.digest, from: mount.from });
  const answer = await transport.send({
    method: "POST",
    to: `v2/${repository}/blobs/uploads/?${query}`,
    scopes,
    headers: { "content-length": "0" },
    expect: [201, 202],
  });
  await answer.body?.cancel();
  if (answer.status === 201) return true;
  await cancelUpload(transport, scopes, answer);
  return false;
}

/** Begins an upload and cancels it at once, to find out whether the caller may push. @throws OciError if not */
export async function tryUpload(transport: Transport, repository: string): Promise<void> {
  const scopes = pushScopes(repository, undefined);
  const answer = await transport.send({
    method: "POST",
    to: `v2/${repository}/blobs/uploads/`,
    scopes,
    headers: { "content-length": "0" },
    expect: [202],
  });
  await answer.body?.cancel();
  await cancelUpload(transport, scopes, answer);
}

/**
 * Asks whether a blob exists (distribution-spec, "Checking if content exists in the registry").
 *
 * @returns its size in bytes, which not every registry says; undefined if the registry answers that there is no such blob
 * @throws OciError
 */
export async function headBlob(
  transport: Transport,
  repository: string,
  digest: string,
): Promise<{ size: number | undefined } | undefined> {
  const answer = await transport.send({
    method: "HEAD",
    to: `v2/${repository}/blobs/${digest}`,
    scopes: [scope.pull(repository)],
    expect: [200, 404],
  });
  return answer.status === 404 ? undefined : { size: lengthOf(answer) };
}

/**
 * Downloads a blob (distribution-spec, "Pulling blobs"). The content is verified at the end of the stream, and not before:
 * if it was wrong, the stream fails with `DIGEST_MISMATCH`. Part of a blob cannot be verified at all.
 *
 * @param range the positions of the first and the last byte that are wanted; without `last`, it is everything from `first`
 * @throws OciError
 */
export async function pullBlob(
  transport: Transport,
  repository: string,
  digest: string,
  range?: { readonly first: number; readonly last?: number },
): Promise<PulledBlob> {
  const answer = await transport.send({
    to: `v2/${repository}/blobs/${digest}`,
    scopes: [scope.pull(repository)],
    headers: {
      "accept-encoding": "identity",
      ...(range === undefined ? {} : { range: `bytes=${range.first}-${range.last ?? ""}` }),
    },
    expect: [range === undefined ? 200 : 206],
  });
  const size = lengthOf(answer);
  const body = answer.body ?? new Blob([]).stream();
  return { size, stream: range === undefined ? verifying(body, digest, size) : body };
}

/**
 * Deletes a blob from one repository (distribution-spec, "Deleting Blobs"). Returns false if it was not there.
 *
 * @throws OciError, such as 405 `UNSUPPORTED` from a registry that deletes nothing
 */
export async function deleteBlob(transport: Transport, repository: string, digest: string): Promise<boolean> {
  const answer = await transport.send({
    method: "DELETE",
    to: `v2/${repository}/blobs/${digest}`,
    scopes: [scope.delete(repository)],
    expect: [200, 202, 204, 404],
  });
  await answer.body?.cancel();
  return answer.status !== 404;
}

/** Not every registry can cancel an upload. One that cannot ends the upload by itself, so a failure does not matter. */
async function cancelUpload(transport: Transport, scopes: readonly string[], begun: Response): Promise<void> {
  const to = locationOf(transport, begun);
  await transport.send({ method: "DELETE", to, scopes, expect: [204] }).catch(() => undefined);
}

function pushScopes(repository: string, from: string | undefined): string[] {
  return [scope.push(repository), ...(from === undefined ? [] : [scope.pull(from)])];
}

async function sendChunks(
  transport: Transport,
  scopes: readonly string[],
  first: URL,
  chunks: AsyncIterable<Uint8Array>,
): Promise<URL> {
  let session = first;
  let sent = 0;
  for await (const chunk of chunks) {
    const answer = await transport.send({
      method: "PATCH",
      to: session,
      scopes,
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(chunk.byteLength),
        "content-range": `${sent}-${sent + chunk.byteLength - 1}`,
      },
      body: chunk,
      expect: [202],
    });
    await answer.body?.cancel();
    sent += chunk.byteLength;
    session = locationOf(transport, answer, session);
  }
  return session;
}

async function* chunksOf(body: BlobSource["body"], bytes: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body instanceof Uint8Array ? [body] : body) {
    for (let at = 0; at < piece.byteLength; ) {
      const part = piece.subarray(at, at + bytes - size);
      held.push(part);
      size += part.byteLength;
      at += part.byteLength;
      if (size < bytes) continue;
      yield Buffer.concat(held);
      held = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

function locationOf(transport: Transport, response: Response, base?: URL): URL {
  const location = response.headers.get("location");
  if (location === null) {
    throw new OciError(
      response.status,
      "UNEXPECTED_RESPONSE",
      `${transport.root.host} opened an upload, but gave no Location.`,
    );
  }
  return transport.resolve(location, base ?? response.url);
}
