/**
 * Upload sessions, and their files. Every request that touches a file makes sure that the file still holds what earlier
 * requests wrote to it.
 */
import { type Hash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import {
  errnoOf,
  type Fingerprint,
  fingerprintAt,
  fingerprintOfHandle,
  hashFile,
  isSameContent,
  isSameFile,
} from "../../files.ts";
import { OciError } from "../respond.ts";
import type { DigestAlgorithm, RepositoryName } from "../store/names.ts";

/** How many sessions may be open. */
export interface UploadLimits {
  /** Of one holder: one credential in one repository. */
  readonly ofHolder: number;
  readonly ofAll: number;
}

const defaultLimits: UploadLimits = { ofHolder: 100, ofAll: 10_000 };

/** An upload that has not ended. `file` and `hash` have what has arrived so far. */
export interface Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  /** Whose session it is: a credential and the repository; undefined for an upload of one request, which has no session. */
  readonly holder: string | undefined;
  readonly file: string;
  /** The file as the last request left it; undefined before the first request that wrote. */
  stored: Fingerprint | undefined;
  /** How many bytes have arrived. */
  offset: number;
  hash: { readonly algorithm: DigestAlgorithm; readonly state: Hash } | undefined;
  /** Whether a request is writing to it. */
  busy: boolean;
  /** When the last request ended, in milliseconds of a clock that nobody sets. */
  touchedAt: number;
}

/**
 * The upload sessions of a registry. They exist in this process only, and the next start removes their files. After a
 * restart of the registry a client therefore has to begin its upload again.
 *
 * Each holder may have some. One who wants more loses the session that has been idle longest, and so nobody's forgotten
 * uploads keep anybody from pushing.
 */
export class Uploads {
  readonly #sessions = new Map<string, Upload>();
  /** The sessions of each holder. The one that has been idle longest comes first. */
  readonly #holders = new Map<string, Set<Upload>>();
  readonly #folder: string;
  readonly #elapsed: () => number;
  readonly #limits: UploadLimits;
  readonly #inBackground: (work: Promise<void>) => void;

  constructor(
    folder: string,
    options: {
      /** Milliseconds of a clock that nobody sets. */
      readonly elapsed: () => number;
      readonly limits?: UploadLimits | undefined;
      /** Takes the removal of files that no request waits for. */
      readonly inBackground: (work: Promise<void>) => void;
    },
  ) {
    this.#folder = folder;
    this.#elapsed = options.elapsed;
    this.#limits = options.limits ?? defaultLimits;
    this.#inBackground = options.inBackground;
  }

  /**
   * Starts a session. It has no file before the first byte arrives.
   *
   * @param credential the id of the credential with which the client pushes
   * @throws OciError 429 `TOOMANYREQUESTS` if requests write to every session that could make room
   */
  start(repository: RepositoryName, credential: string): Upload {
    const holder = `${repository} ${credential}`;
    const own = this.#holders.get(holder) ?? new Set();
    if (own.size >= this.#limits.ofHolder) this.#endOldest([own]);
    else if (this.#sessions.size >= this.#limits.ofAll) {
      // Whoever has most makes room for those who have less.
      this.#endOldest([...this.#holders.values()].sort((a, b) => b.size - a.size));
    }
    const upload = this.#newUpload(repository, holder);
    this.#sessions.set(upload.id, upload);
    this.#holders.set(holder, own.add(upload));
    return upload;
  }

  /** Starts an upload of one request. It is no session: it ends with the request, and takes nobody's place. */
  startWhole(repository: RepositoryName): Upload {
    return this.#newUpload(repository, undefined);
  }

  #newUpload(repository: RepositoryName, holder: string | undefined): Upload {
    const id = randomUUID();
    return {
      id,
      repository,
      holder,
      file: `${this.#folder}/${id}`,
      stored: undefined,
      offset: 0,
      hash: undefined,
      busy: false,
      touchedAt: this.#elapsed(),
    };
  }

  /** Ends the session that has been idle longest, of the first holder who has an idle one. */
  #endOldest(holders: readonly Set<Upload>[]): void {
    for (const uploads of holders) {
      for (const upload of uploads) {
        if (upload.busy) continue;
        this.#inBackground(this.end(upload));
        return;
      }
    }
    // When one of those requests ends, its session makes room.
    const message = "Too many uploads are open, and requests write to all of them.";
    throw new OciError(429, "TOOMANYREQUESTS", message, { "Retry-After": "1" });
  }

  /** Finds a session in the repository where it was started. @throws OciError 404 `BLOB_UPLOAD_UNKNOWN` */
  find(repository: RepositoryName, id: string): Upload {
    const upload = this.#sessions.get(id);
    if (upload?.repository !== repository) {
      throw new OciError(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload, or it has ended.");
    }
    return upload;
  }

  /** Runs work on a session. @throws OciError 409 if another request is already working on it */
  async use<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    if (upload.busy) throw new OciError(409, "BLOB_UPLOAD_INVALID", "Another request is writing to this upload.");
    upload.busy = true;
    try {
      return await work();
    } finally {
      upload.busy = false;
      upload.touchedAt = this.#elapsed();
      const own = this.#holders.get(upload.holder ?? "");
      if (own?.delete(upload)) own.add(upload);
    }
  }

  /** Ends a session and removes its file, if it has one. @throws the system's error */
  async end(upload: Upload): Promise<void> {
    this.#sessions.delete(upload.id);
    const own = this.#holders.get(upload.holder ?? "");
    if (own?.delete(upload) && own.size === 0) this.#holders.delete(upload.holder ?? "");
    await rm(upload.file, { recursive: true, force: true });
  }

  /** Ends the sessions that no request has touched for `idleMs` milliseconds. Returns how many it ended. */
  async expire(idleMs: number): Promise<number> {
    const limit = this.#elapsed() - idleMs;
    let ended = 0;
    // One after the other: there may be thousands, and everybody who reads would wait behind them.
    for (const upload of [...this.#sessions.values()]) {
      if (upload.busy || upload.touchedAt > limit) continue;
      await this.end(upload);
      ended += 1;
    }
    return ended;
  }
}

/**
 * The disk has lost bytes that the client has sent. The client has to begin the upload again, as after a restart of the
 * registry, and so the answer is the same: there is no such upload.
 */
export class UploadLost extends OciError {
  constructor() {
    super(404, "BLOB_UPLOAD_UNKNOWN", "The registry has lost the data of this upload. Begin it again.");
    this.name = "UploadLost";
  }
}

/**
 * Opens the upload's file for reading and appending. Only the first request makes the file. The caller closes it.
 *
 * @throws UploadLost if the file is gone, or does not hold what has arrived; the system's other errors
 */
export async function openUploadFile(upload: Upload): Promise<FileHandle> {
  if (upload.stored === undefined) return open(upload.file, "ax+");
  const handle = await open(upload.file, constants.O_RDWR | constants.O_APPEND).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(errnoOf(error) ?? "")) throw new UploadLost();
    throw error;
  });
  try {
    if (!(await holdsWhatArrived(upload, handle))) throw new UploadLost();
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Remembers how a request leaves the file. Only after this may an answer say that the bytes are there.
 *
 * @returns the file's fingerprint
 * @throws UploadLost if the file has lost its name meanwhile, or is not as long as what has arrived
 */
export async function noteUploadFile(upload: Upload, handle: FileHandle): Promise<Fingerprint> {
  const [open, named] = await Promise.all([fingerprintOfHandle(handle), fingerprintAt(upload.file)]);
  if (named === undefined || !isSameFile(open, named) || named.size !== BigInt(upload.offset)) throw new UploadLost();
  upload.stored = named;
  return named;
}

/** Whether the file holds what has arrived. A backup may change the fingerprint alone, and then the content is read. */
async function holdsWhatArrived({ stored, offset, hash }: Upload, handle: FileHandle): Promise<boolean> {
  const found = await fingerprintOfHandle(handle);
  if (stored !== undefined && isSameContent(stored, found)) return true;
  if (hash === undefined || found.size !== BigInt(offset)) return false;
  return (await hashFile(handle, hash.algorithm)) === hash.state.copy().digest("hex");
}
