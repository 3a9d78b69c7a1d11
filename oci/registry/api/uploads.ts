/** The requests that bring a blob into a repository (distribution-spec, "Pushing blobs"). */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { type Fingerprint, hashFile } from "../../files.ts";
import { allows } from "../../token/index.ts";
import { ClientGone, receive } from "../bodies.ts";
import { OciError, send } from "../respond.ts";
import { commitBlob, mountBlob } from "../store/blobs.ts";
import { type Digest, type DigestAlgorithm, parseDigest, parseRepositoryName } from "../store/names.ts";
import type { ByteRange } from "./blobs.ts";
import { type HandlerRequest, requireDigest, type Services } from "./handler.ts";
import { noteUploadFile, openUploadFile, type Upload, type Uploads } from "./upload-sessions.ts";

/**
 * Starts an upload (end-4a), takes a whole blob at once (end-4b, "Single POST"), or mounts one (end-11, "Mounting a blob
 * from another repository").
 *
 * @throws OciError 400 `DIGEST_INVALID`, 429 `TOOMANYREQUESTS`, and for a whole blob the errors of {@link finishUpload}
 */
export async function startUpload(services: Services, call: HandlerRequest): Promise<void> {
  const { query, name, res } = call;
  if (await mount(services, call)) return;
  const whole = query.get("digest");
  const digest = whole === null ? undefined : requireDigest(whole);
  if (digest === undefined) return send(res, 202, progress(services.uploads.start(name, call.caller.root)));
  const upload = services.uploads.startWhole(name);
  await services.uploads.use(upload, () => finish(services, call, upload, digest));
}

/**
 * Takes a chunk (end-5, "Pushing a blob in chunks"). If it has a `Content-Range`, that must begin where the last chunk
 * ended.
 *
 * @throws OciError 404 `BLOB_UPLOAD_UNKNOWN`; 416 for a chunk that is out of order; 409 while another request writes to the
 *   upload; 400 if the length is wrong, or the client went away
 */
export async function continueUpload(services: Services, call: HandlerRequest): Promise<void> {
  const upload = services.uploads.find(call.name, call.tail);
  await services.uploads.use(upload, async () => {
    const expected = expectedLength(call.req, upload);
    await withFile(services.uploads, upload, (handle) =>
      append(services, call.req, upload, handle, { algorithm: "sha256", expected }),
    );
    send(call.res, 202, progress(upload));
  });
}

/**
 * Ends an upload, perhaps with its last chunk, and stores the blob (end-6, "POST then PUT"). When the answer leaves, the
 * blob survives a power cut.
 *
 * @throws OciError 400 `DIGEST_INVALID` if the content has another digest, and the errors of {@link continueUpload}
 */
export async function finishUpload(services: Services, call: HandlerRequest): Promise<void> {
  const upload = services.uploads.find(call.name, call.tail);
  const digest = requireDigest(call.query.get("digest"));
  await services.uploads.use(upload, () => finish(services, call, upload, digest));
}

/**
 * Says how much of an upload has arrived (end-13, "Pushing a blob in chunks"). It checks the file first, unless another
 * request is writing to it.
 *
 * @throws OciError 404 `BLOB_UPLOAD_UNKNOWN`
 */
export async function describeUpload({ uploads }: Services, { res, name, tail }: HandlerRequest): Promise<void> {
  const upload = uploads.find(name, tail);
  if (!upload.busy && upload.stored !== undefined) {
    await uploads.use(upload, () => withFile(uploads, upload, async () => undefined));
  }
  send(res, 204, progress(upload));
}

/**
 * Cancels an upload ("Cancel a blob upload", end-14 of the specification's next version).
 *
 * @throws OciError 404 `BLOB_UPLOAD_UNKNOWN`, or 409 while another request writes to the upload
 */
export async function cancelUpload({ uploads }: Services, { res, name, tail }: HandlerRequest): Promise<void> {
  const upload = uploads.find(name, tail);
  await uploads.use(upload, () => uploads.end(upload));
  send(res, 204, {});
}

/**
 * Mounts a blob of another repository, and returns whether it did. If not, the request becomes an ordinary upload. The
 * caller cannot tell whether the other repository lacks the blob, does not exist, or is closed to them. If it is closed, the
 * disk is not even read.
 */
async function mount({ store }: Services, { query, caller, name, res }: HandlerRequest): Promise<boolean> {
  const digest = parseDigest(query.get("mount") ?? "");
  const from = parseRepositoryName(query.get("from") ?? "");
  if (digest === undefined || from === undefined || !allows(caller.access, "repository", from, "pull")) return false;
  store.recent.note(name, digest);
  if (!(await mountBlob(store, { from, to: name, digest }))) return false;
  send(res, 201, { Location: `/v2/${name}/blobs/${digest.text}`, "Docker-Content-Digest": digest.text });
  return true;
}

async function finish(services: Services, call: HandlerRequest, upload: Upload, digest: Digest): Promise<void> {
  const { store, uploads } = services;
  const { req, res, name } = call;
  try {
    const expected = expectedLength(req, upload);
    await withFile(uploads, upload, async (handle) => {
      const content = await append(services, req, upload, handle, { algorithm: digest.algorithm, expected });
      const hex = await makeDurable(upload, handle, digest.algorithm);
      if (hex !== digest.hex) {
        const actual = `${digest.algorithm}:${hex}`;
        throw new OciError(400, "DIGEST_INVALID", `The content's digest is ${actual}, not ${digest.text}.`);
      }
      store.recent.note(name, digest);
      await commitBlob(store, name, digest, { file: upload.file, content });
    });
  } catch (error) {
    // A session can continue after its last chunk failed, but an upload of one request has no session.
    if (call.tail === "") await uploads.end(upload);
    throw error;
  }
  await uploads.end(upload);
  send(res, 201, { Location: `/v2/${name}/blobs/${digest.text}`, "Docker-Content-Digest": digest.text });
}

/**
 * Runs work on the upload's file. If the work fails, the session ends, so that neither a wrong digest nor a failed write
 * leaves anything behind. If the client went away, however, the session stays, and the client may go on with it.
 */
async function withFile<T>(uploads: Uploads, upload: Upload, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  try {
    const handle = await openUploadFile(upload);
    try {
      return await work(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!(error instanceof ClientGone)) await uploads.end(upload);
    throw error;
  }
}

/** Appends the request's body to the file, and checks that all of it is there. Returns the file's new fingerprint. */
async function append(
  { receiving }: Services,
  req: IncomingMessage,
  upload: Upload,
  handle: FileHandle,
  { algorithm, expected }: { algorithm: DigestAlgorithm; expected: number | undefined },
): Promise<Fingerprint> {
  const before = upload.offset;
  // The first request that writes decides the algorithm.
  upload.hash ??= { algorithm, state: createHash(algorithm) };
  let gone: ClientGone | undefined;
  try {
    await receive(req, { handle, hash: upload.hash.state, budget: receiving, progress: upload });
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error;
    gone = error;
  }
  const content = await noteUploadFile(upload, handle);
  if (gone !== undefined) throw gone;
  if (expected !== undefined && upload.offset - before !== expected) {
    throw new OciError(400, "SIZE_INVALID", "The chunk is not as long as its Content-Range says.");
  }
  return content;
}

/** Checks `Content-Range` before the body is read. Returns the length that it promises, if the request has one. */
function expectedLength(req: IncomingMessage, upload: Upload): number | undefined {
  const header = req.headers["content-range"];
  if (header === undefined) return undefined;
  const range = parseContentRange(header);
  if (range === undefined) throw new OciError(400, "BLOB_UPLOAD_INVALID", "Content-Range must be <start>-<end>.");
  if (range.start !== upload.offset) {
    throw new OciError(
      416,
      "BLOB_UPLOAD_INVALID",
      `The next chunk must begin at byte ${upload.offset}.`,
      progress(upload),
    );
  }
  const length = range.end - range.start + 1;
  if (req.headers["content-length"] !== undefined && Number(req.headers["content-length"]) !== length) {
    throw new OciError(400, "SIZE_INVALID", "Content-Length and Content-Range do not agree.");
  }
  return length;
}

/** Makes the file's content durable, and returns its hash in lower-case hex. */
async function makeDurable(upload: Upload, handle: FileHandle, algorithm: DigestAlgorithm): Promise<string> {
  // If the chunks were hashed with another algorithm than the client asks for now, the file is read again.
  const known = upload.hash?.algorithm === algorithm ? upload.hash.state : undefined;
  const [hex] = await Promise.all([known?.digest("hex") ?? hashFile(handle, algorithm), handle.datasync()]);
  return hex;
}

function progress(upload: Upload): Record<string, string> {
  return {
    Location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    Range: `0-${Math.max(0, upload.offset - 1)}`,
    "Docker-Upload-UUID": upload.id,
  };
}

/**
 * Reads the `Content-Range` of a chunk, which the specification writes as `<start>-<end>` ("Pushing a blob in chunks"). The
 * form of HTTP, `bytes <start>-<end>/<size>`, is read as well. Returns undefined for anything else.
 *
 * @example
 * parseContentRange("0-1023"); // { start: 0, end: 1023 }
 */
export function parseContentRange(header: string): ByteRange | undefined {
  const [, start, end] = /^(?:bytes[ =])?\s*(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header.trim()) ?? [];
  if (start === undefined || end === undefined || Number(end) < Number(start)) return undefined;
  return { start: Number(start), end: Number(end) };
}
