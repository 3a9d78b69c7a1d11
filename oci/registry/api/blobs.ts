import { sendFile } from "../bodies.ts";
import { OciError, send, sendNotModified, start } from "../respond.ts";
import { blobSize, deleteBlob, openBlob } from "../store/blobs.ts";
import type { Digest } from "../store/names.ts";
import { type HandlerRequest, requireDigest, type Services } from "./handler.ts";

/**
 * Sends a blob, or the part of it that `Range` asks for (GET of end-2, "Pulling blobs").
 *
 * @throws OciError 404 `BLOB_UNKNOWN`, 400 `DIGEST_INVALID`, or 416 `SIZE_INVALID` if the range lies outside the blob
 */
export async function getBlob({ store, sending }: Services, { req, res, name, tail }: HandlerRequest): Promise<void> {
  const digest = requireDigest(tail);
  if (!store.recent.note(name, digest)) throw blobUnknown(digest);
  const blob = await openBlob(store, name, digest);
  if (blob === undefined) throw blobUnknown(digest);
  try {
    const headers = headersOf(digest);
    if (sendNotModified({ req, res }, headers)) return;
    const ifRange = req.headers["if-range"];
    const header = ifRange === undefined || ifRange === headers.ETag ? req.headers.range : undefined;
    const range = parseRange(header, blob.size);
    if (range === "unsatisfiable") {
      throw new OciError(416, "SIZE_INVALID", "The range lies outside the blob.", {
        "Content-Range": `bytes */${blob.size}`,
      });
    }
    const from = range?.start ?? 0;
    const length = range === undefined ? blob.size : range.end - range.start + 1;
    start(res, range === undefined ? 200 : 206, {
      ...headers,
      "Content-Length": length,
      ...(range === undefined ? {} : { "Content-Range": `bytes ${range.start}-${range.end}/${blob.size}` }),
    });
    await sendFile(res, blob.handle, { start: from, length, budget: sending });
  } finally {
    await blob.handle.close();
  }
}

/**
 * Sends the headers of a blob, without opening its file (HEAD of end-2, "Checking if content exists in the registry").
 *
 * @throws OciError 404 `BLOB_UNKNOWN` or 400 `DIGEST_INVALID`
 */
export async function headBlob({ store }: Services, { req, res, name, tail }: HandlerRequest): Promise<void> {
  const digest = requireDigest(tail);
  if (!store.recent.note(name, digest)) throw blobUnknown(digest);
  const size = await blobSize(store, name, digest);
  if (size === undefined) throw blobUnknown(digest);
  const headers = headersOf(digest);
  if (sendNotModified({ req, res }, headers)) return;
  start(res, 200, { ...headers, "Content-Length": size });
  res.end();
}

/**
 * Deletes a blob from this repository, even if a manifest still refers to it (end-10, "Deleting Blobs").
 *
 * @throws OciError 404 `BLOB_UNKNOWN` or 400 `DIGEST_INVALID`
 */
export async function removeBlob({ store }: Services, { res, name, tail }: HandlerRequest): Promise<void> {
  const digest = requireDigest(tail);
  if (!(await deleteBlob(store, name, digest))) throw blobUnknown(digest);
  send(res, 202, { "Docker-Content-Digest": digest.text });
}

function headersOf(digest: Digest) {
  return {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest.text,
    "Accept-Ranges": "bytes",
    ETag: `"${digest.text}"`,
  };
}

function blobUnknown(digest: Digest): OciError {
  return new OciError(404, "BLOB_UNKNOWN", `The repository has no blob ${digest.text}.`);
}

/** A part of a body: the positions of its first and its last byte, counted from 0, as in a header. */
export interface ByteRange {
  readonly start: number;
  /** The position of the last byte, and not of the one after it. */
  readonly end: number;
}

/**
 * Returns the part of a body that a `Range` header asks for (RFC 9110, 14.2).
 *
 * @param size the bytes of the whole body
 * @returns "unsatisfiable" if the answer is 416; undefined if the answer is the whole body: without a header, for another
 *   unit than bytes, for several ranges, and for nonsense
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const suffix = Number(last);
    return suffix === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(first);
  // RFC 9110 lets a server ignore a range that runs backwards, but the conformance suite expects a 416.
  if (start >= size || (last !== "" && Number(last) < start)) return "unsatisfiable";
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}
