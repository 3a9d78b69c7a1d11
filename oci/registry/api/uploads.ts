import type { FileHandle } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { allows } from "../../token/index.ts";
import { OciError } from "../http/errors.ts";
import { parseContentRange } from "../http/range.ts";
import { send } from "../http/respond.ts";
import { commitBlob, mountBlob } from "../store/blobs.ts";
import { type Fingerprint, hashFile } from "../store/content.ts";
import { type Digest, type DigestAlgorithm, digestOf, parseDigest, parseRepositoryName } from "../store/names.ts";
import { flushEarly } from "../stream/flush-early.ts";
import { ClientGone, receive } from "../stream/receive.ts";
import { type Call, requireDigest, type Services } from "./call.ts";
import { noteUploadFile, openUploadFile } from "./upload-file.ts";
import { hashOf, type Upload, type Uploads } from "./upload-sessions.ts";

/** end-4a, end-4b, end-11: starts an upload, takes a whole blob at once, or mounts one from another repository. */
export async function startUpload(services: Services, call: Call): Promise<void> {
  const { query, name, res } = call;
  if (await mount(services, call)) return;
  const whole = query.get("digest");
  const digest = whole === null ? undefined : requireDigest(whole);
  const upload = services.uploads.start(name);
  if (digest === undefined) return send(res, 202, progress(upload));
  await services.uploads.use(upload, () => finish(services, call, upload, digest));
}

/** end-5: a chunk. With `Content-Range` it must begin where the last one ended; without, it is what comes next. */
export async function continueUpload(services: Services, call: Call): Promise<void> {
  const upload = services.uploads.find(call.name, call.tail);
  await services.uploads.use(upload, async () => {
    const expected = expectedLength(call.req, upload);
    await withFile(services.uploads, upload, (handle) =>
      append(services, call.req, upload, handle, { algorithm: "sha256", expected }),
    );
    send(call.res, 202, progress(upload));
  });
}

/** end-6: the end of an upload, perhaps with its last chunk. */
export async function finishUpload(services: Services, call: Call): Promise<void> {
  const upload = services.uploads.find(call.name, call.tail);
  const digest = requireDigest(call.query.get("digest"));
  await services.uploads.use(upload, () => finish(services, call, upload, digest));
}

/** end-13: how far the upload has come. Where no request is writing to it, what is on the disk is looked at first. */
export async function describeUpload({ uploads }: Services, { res, name, tail }: Call): Promise<void> {
  const upload = uploads.find(name, tail);
  if (!upload.busy && upload.stored !== undefined) {
    await uploads.use(upload, () => withFile(uploads, upload, async () => undefined));
  }
  send(res, 204, progress(upload));
}

/** end-14: gives the upload up. */
export async function cancelUpload({ uploads }: Services, { res, name, tail }: Call): Promise<void> {
  const upload = uploads.find(name, tail);
  await uploads.use(upload, () => uploads.end(upload));
  send(res, 204, {});
}

/**
 * A mount that cannot be done is answered as any upload is. Whether the other repository lacks the blob, does not
 * exist or may not be read by this caller looks the same, and for the last the disk is not even asked.
 */
async function mount({ store }: Services, { query, caller, name, res }: Call): Promise<boolean> {
  const digest = parseDigest(query.get("mount") ?? "");
  const from = parseRepositoryName(query.get("from") ?? "");
  if (digest === undefined || from === undefined || !allows(caller.access, "repository", from, "pull")) return false;
  if (!(await mountBlob(store, { from, to: name, digest }))) return false;
  send(res, 201, { Location: `/v2/${name}/blobs/${digest.text}`, "Docker-Content-Digest": digest.text });
  return true;
}

async function finish(services: Services, call: Call, upload: Upload, digest: Digest): Promise<void> {
  const { store, uploads } = services;
  const { req, res, name } = call;
  try {
    const expected = expectedLength(req, upload);
    await withFile(uploads, upload, async (handle) => {
      const content = await append(services, req, upload, handle, { algorithm: digest.algorithm, expected });
      const actual = await settle(upload, handle, digest.algorithm);
      if (actual.text !== digest.text) {
        throw new OciError(400, "DIGEST_INVALID", `The content's digest is ${actual.text}, not ${digest.text}.`);
      }
      await commitBlob(store, name, digest, { file: upload.file, content });
    });
  } catch (error) {
    // A blob that came in one request cannot be gone on with; a session's last chunk can.
    if (call.tail === "") await uploads.end(upload);
    throw error;
  }
  await uploads.end(upload);
  send(res, 201, { Location: `/v2/${name}/blobs/${digest.text}`, "Docker-Content-Digest": digest.text });
}

/**
 * Runs work on the upload's file. If it fails the session is over, so that a blob that does not match, or a write that
 * failed, leaves nothing behind. Only where it is the client that went away may the upload be continued.
 */
async function withFile<T>(uploads: Uploads, upload: Upload, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  try {
    const handle = await openUploadFile(upload);
    return await work(handle).finally(() => handle.close());
  } catch (error) {
    if (!(error instanceof ClientGone)) await uploads.end(upload);
    throw error;
  }
}

/** Writes the request's body behind what is there, and makes sure that all of it is. Returns how the file is then. */
async function append(
  { receiving }: Services,
  req: IncomingMessage,
  upload: Upload,
  handle: FileHandle,
  { algorithm, expected }: { algorithm: DigestAlgorithm; expected: number | undefined },
): Promise<Fingerprint> {
  const before = upload.offset;
  const early = flushEarly(handle);
  let gone: ClientGone | undefined;
  try {
    await receive(req, {
      handle,
      hash: hashOf(upload, algorithm),
      budget: receiving,
      written: (bytes) => {
        upload.offset += bytes;
        early.wrote(bytes);
      },
    });
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error;
    gone = error;
  } finally {
    await early.settled();
  }
  const content = await noteUploadFile(upload, handle);
  if (gone !== undefined) throw gone;
  if (expected !== undefined && upload.offset - before !== expected) {
    throw new OciError(400, "SIZE_INVALID", "The chunk's length is not that of its Content-Range.");
  }
  return content;
}

/** Checks `Content-Range` before a byte is read. Returns the length that it promises. */
function expectedLength(req: IncomingMessage, upload: Upload): number | undefined {
  const header = req.headers["content-range"];
  if (header === undefined) return undefined;
  const range = parseContentRange(header);
  if (range === undefined) throw new OciError(400, "BLOB_UPLOAD_INVALID", "Content-Range must be <start>-<end>.");
  if (range.start !== upload.offset) {
    throw new OciError(416, "BLOB_UPLOAD_INVALID", `The upload goes on at byte ${upload.offset}.`, progress(upload));
  }
  const length = range.end - range.start + 1;
  if (req.headers["content-length"] !== undefined && Number(req.headers["content-length"]) !== length) {
    throw new OciError(400, "SIZE_INVALID", "Content-Length and Content-Range do not agree.");
  }
  return length;
}

/** Makes the file durable and names its content. */
async function settle(upload: Upload, handle: FileHandle, algorithm: DigestAlgorithm): Promise<Digest> {
  // The chunks may have been hashed before the client said which algorithm it wants.
  const known = upload.hash?.algorithm === algorithm ? upload.hash.state : undefined;
  const [hex] = await Promise.all([known?.digest("hex") ?? hashFile(handle, algorithm), handle.datasync()]);
  return digestOf(algorithm, hex);
}

function progress(upload: Upload): Record<string, string> {
  return {
    Location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    Range: `0-${Math.max(0, upload.offset - 1)}`,
    "Docker-Upload-UUID": upload.id,
  };
}
