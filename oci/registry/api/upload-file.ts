/** The file of an upload: every request that touches it makes sure that it still holds what the requests before it wrote. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { OciError } from "../http/errors.ts";
import {
  type Fingerprint,
  fingerprintAt,
  fingerprintOfHandle,
  hashFile,
  isSameContent,
  isSameFile,
} from "../store/content.ts";
import { errnoOf } from "../store/fs.ts";
import type { Upload } from "./upload-sessions.ts";

/**
 * The bytes that the client has sent are not on the disk any more. The client has to begin the upload again, as it has
 * to after a restart of the registry, so it is told the same: there is no such upload.
 */
export class UploadLost extends OciError {
  constructor() {
    super(404, "BLOB_UPLOAD_UNKNOWN", "The registry has lost the data of this upload. Begin it again.");
    this.name = "UploadLost";
  }
}

/**
 * Opens the file for reading and appending; the caller closes it. The first request makes the file, no later one does.
 * Throws {@link UploadLost} when it is gone, or does not hold what has been received.
 */
export async function openUploadFile(upload: Upload): Promise<FileHandle> {
  if (upload.stored === undefined) return open(upload.file, "ax+");
  const handle = await open(upload.file, constants.O_RDWR | constants.O_APPEND).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(errnoOf(error) ?? "")) throw new UploadLost();
    throw error;
  });
  try {
    if (!(await holdsWhatCame(upload, handle))) throw new UploadLost();
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Notes how a request leaves the file, before the answer says that its bytes are there. Throws {@link UploadLost} when
 * the file has lost its name meanwhile, or is not as long as what came.
 */
export async function noteUploadFile(upload: Upload, handle: FileHandle): Promise<Fingerprint> {
  const [open, named] = await Promise.all([fingerprintOfHandle(handle), fingerprintAt(upload.file)]);
  if (named === undefined || !isSameFile(open, named) || named.size !== BigInt(upload.offset)) throw new UploadLost();
  upload.stored = named;
  return named;
}

/** Where the fingerprint has changed the content need not have: a backup or a `touch` does that. Then it is read. */
async function holdsWhatCame({ stored, offset, hash }: Upload, handle: FileHandle): Promise<boolean> {
  const found = await fingerprintOfHandle(handle);
  if (stored !== undefined && isSameContent(stored, found)) return true;
  if (hash === undefined || found.size !== BigInt(offset)) return false;
  return (await hashFile(handle, hash.algorithm)) === hash.state.copy().digest("hex");
}
