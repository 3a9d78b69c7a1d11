import { createHash, type Hash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { OciError } from "../http/errors.ts";
import type { Fingerprint } from "../store/content.ts";
import type { DigestAlgorithm, RepositoryName } from "../store/names.ts";

const maxSessions = 10_000;

/** A blob on its way: what came so far is in `file`, and in `hash`. */
export interface Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  readonly file: string;
  /** The file as the last request left it; undefined before the first. */
  stored: Fingerprint | undefined;
  offset: number;
  hash: { readonly algorithm: DigestAlgorithm; readonly state: Hash } | undefined;
  /** A request is writing to it. */
  busy: boolean;
  touchedAt: number;
}

/**
 * Upload sessions. They live in this process only: their half files are removed when the next one starts, so a client
 * whose registry was restarted begins its blob again.
 */
export class Uploads {
  readonly #sessions = new Map<string, Upload>();
  readonly #folder: string;
  readonly #clock: () => Date;

  constructor(folder: string, clock: () => Date) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Starts a session. Nothing is on disk before the first byte comes. */
  start(repository: RepositoryName): Upload {
    if (this.#sessions.size >= maxSessions) {
      throw new OciError(429, "TOOMANYREQUESTS", "Too many uploads are open.", { "Retry-After": "5" });
    }
    const id = randomUUID();
    const upload: Upload = {
      id,
      repository,
      file: `${this.#folder}/${id}`,
      stored: undefined,
      offset: 0,
      hash: undefined,
      busy: false,
      touchedAt: this.#clock().getTime(),
    };
    this.#sessions.set(id, upload);
    return upload;
  }

  /** The session, in the repository where it was started and in no other. Throws BLOB_UPLOAD_UNKNOWN. */
  find(repository: RepositoryName, id: string): Upload {
    const upload = this.#sessions.get(id);
    if (upload?.repository !== repository) {
      throw new OciError(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload, or it has ended.");
    }
    return upload;
  }

  /** Runs work that nobody else may do on this session at the same time. */
  async use<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    if (upload.busy) throw new OciError(409, "BLOB_UPLOAD_INVALID", "Another request is writing to this upload.");
    upload.busy = true;
    try {
      return await work();
    } finally {
      upload.busy = false;
      upload.touchedAt = this.#clock().getTime();
    }
  }

  /** Ends a session, and with it what it left aside. */
  async end(upload: Upload): Promise<void> {
    this.#sessions.delete(upload.id);
    await rm(upload.file, { recursive: true, force: true });
  }

  /** Ends the sessions that nobody has touched for this long. Returns how many. */
  async expire(idleMs: number): Promise<number> {
    const limit = this.#clock().getTime() - idleMs;
    const idle = [...this.#sessions.values()].filter(({ busy, touchedAt }) => !busy && touchedAt <= limit);
    await Promise.all(idle.map((upload) => this.end(upload)));
    return idle.length;
  }
}

/** The session's running hash; it starts with the first byte, by when the algorithm is known or is sha256. */
export function hashOf(upload: Upload, algorithm: DigestAlgorithm): Hash {
  upload.hash ??= { algorithm, state: createHash(algorithm) };
  return upload.hash.state;
}
