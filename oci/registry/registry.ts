import type { IncomingMessage, ServerResponse } from "node:http";
import type { TokenKey } from "../token/index.ts";
import { UploadLost, Uploads } from "./api/upload-sessions.ts";
import { createAuthenticate } from "./auth/authorize.ts";
import { Budget, ClientGone } from "./bodies.ts";
import { createDispatch } from "./dispatch.ts";
import { OciError, sendError, toOciError } from "./respond.ts";
import { freeUnusedBlobs } from "./store/blobs.ts";
import { emptyTrash } from "./store/repositories.ts";
import { inBackground, openStore } from "./store/store.ts";

const bufferBytes = 64 * 1024 * 1024;
const hourMs = 60 * 60 * 1000;

/** The audience of tokens where no other service name is given. */
export const defaultService = "registry";

export interface RegistryOptions {
  /** Where everything is kept; made if absent. One registry at a time, which the folder's lock holds. */
  readonly dataDir: string;
  readonly key: TokenKey;
  /** The audience that tokens must name. */
  readonly service?: string;
  /** The address that clients are sent to for tokens; without it, the one by which they came. */
  readonly publicUrl?: string;
  readonly clock?: () => Date;
  /** After how long without a request an upload is given up; an hour by default. */
  readonly uploadIdleMs?: number;
  /** Told what went wrong inside: no secret is ever among it. */
  readonly log?: (message: string, cause: unknown) => void;
}

/** What a sweep removed. */
export interface Swept {
  readonly uploads: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface Registry {
  /** Answers one request: `/v2/…` and `/token`. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /**
   * Gives up idle uploads and frees what nobody needs any more. Safe beside pushes. Runs by itself at the start; idle
   * uploads are given up every minute, and a deleted repository is freed right after its deletion.
   */
  sweep(): Promise<Swept>;
  /**
   * Refuses new requests, finishes those in flight, and lets go of the folder. It waits for every answer to leave, so
   * whoever owns the server ends connections that hang, as `serveRegistry` does after its grace period.
   */
  close(): Promise<void>;
}

/**
 * Opens a registry on a folder, and throws away what the last one on it left unfinished. Listen on your ports before you
 * call this, so that a start that fails clears nothing. Throws DataFolderError when the folder is in use by another
 * registry or cannot be written.
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const clock = options.clock ?? (() => new Date());
  const log = options.log ?? (() => undefined);
  const service = options.service ?? defaultService;
  const uploadIdleMs = options.uploadIdleMs ?? hourMs;
  const store = await openStore({ dataDir: options.dataDir, clock, log });
  const uploads = new Uploads(store.layout.uploads, clock);
  const dispatch = createDispatch({
    services: { store, uploads, sending: new Budget(bufferBytes), receiving: new Budget(bufferBytes) },
    tokens: {
      key: options.key,
      service,
      clock,
      authenticate: createAuthenticate({ key: options.key, service, clock }),
    },
    // A host's name may be in any script, but a header holds ASCII.
    publicUrl: options.publicUrl && (URL.parse(options.publicUrl)?.href ?? options.publicUrl),
  });

  async function sweep(): Promise<Swept> {
    const expired = await uploads.expire(uploadIdleMs);
    await emptyTrash(store);
    return { uploads: expired, ...(await freeUnusedBlobs(store)) };
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      if (closing !== undefined) {
        throw new OciError(503, "UNAVAILABLE", "The registry is stopping.", { Connection: "close" });
      }
      await dispatch(req, res);
    } catch (error) {
      const shown = toOciError(error);
      const ours = shown.status >= 500 || error instanceof UploadLost;
      if (ours && closing === undefined && !(error instanceof ClientGone)) {
        log(`${req.method} ${req.url?.split("?")[0]} failed`, error);
      }
      try {
        sendError(res, shown);
      } catch (unsent) {
        // A header may hold a character that cannot be sent. That must not end the process.
        log(`${req.method} ${req.url?.split("?")[0]} could not be answered`, unsent);
        sendError(res, toOciError(unsent));
      }
    }
  }

  const inFlight = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;
  const timer = setInterval(() => inBackground(store, "the sweep", expireIdle()), Math.min(uploadIdleMs, hourMs / 60));
  timer.unref();
  const expireIdle = async () => void (await uploads.expire(uploadIdleMs));
  inBackground(
    store,
    "the sweep at the start",
    sweep().then(() => undefined),
  );

  async function close(): Promise<void> {
    clearInterval(timer);
    while (inFlight.size > 0) await Promise.all(inFlight);
    while (store.background.size > 0) await Promise.all(store.background);
    await uploads.expire(Number.NEGATIVE_INFINITY);
    await store.lock.release();
  }

  return {
    handle(req, res) {
      // A connection that breaks is told by `close`; its error has no other listener.
      res.on("error", () => undefined);
      const closed = new Promise<void>((resolve) => res.once("close", resolve));
      const done: Promise<void> = Promise.allSettled([answer(req, res), closed])
        .then(() => undefined)
        .finally(() => inFlight.delete(done));
      inFlight.add(done);
    },
    sweep,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
