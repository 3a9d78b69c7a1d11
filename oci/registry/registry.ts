/** The registry without a server: a folder that is open, and the handler of its requests. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { BodyMemory } from "../http/bounds.ts";
import type { Revocation, TokenKey, TokenKeys } from "../token/index.ts";
import { type AccessLog, logAccess, type Noted } from "./access-log.ts";
import { type UploadLimits, UploadLost, Uploads } from "./api/upload-sessions.ts";
import { createAuthenticate } from "./auth/authorize.ts";
import { Budget, ClientGone, NoMemoryLeft } from "./bodies.ts";
import { createDispatch } from "./dispatch.ts";
import { OciError, sendError, toOciError } from "./respond.ts";
import { freeUnusedBlobs } from "./store/blobs.ts";
import { readOnlyLock } from "./store/folder-lock.ts";
import { emptyTrash } from "./store/repositories.ts";
import { inBackground, openStore, type Store } from "./store/store.ts";
import {
  type Collected,
  type CollectOptions,
  type CollectPolicy,
  collectGarbage,
  type Removal,
} from "./upkeep/collect.ts";
import { paceOf, startUpkeep, type Upkeep } from "./upkeep/schedule.ts";
import { type Problem, type Verified, verifyStore } from "./upkeep/verify.ts";

const bufferBytes = 64 * 1024 * 1024;
/** Eight of the largest manifests. An ordinary one is smaller than what is free. */
const manifestBytes = { bytes: 32 * 1024 * 1024, freeEach: 32 * 1024 };
/** Anybody may send a form to the token endpoint, so forms have memory of their own. */
const formBytes = { bytes: 2 * 1024 * 1024, freeEach: 8 * 1024 };
const hourMs = 60 * 60 * 1000;

/** The service name, which is the audience of tokens, unless an option gives another one. */
export const defaultService = "registry";

/** Where a registry keeps its data, and what it believes. Only `dataDir` and `key` are needed. */
export interface RegistryOptions {
  /** The folder that keeps everything. It is made if it does not exist, and its lock admits one registry at a time. */
  readonly dataDir: string;
  /**
   * Verifies the tokens of the callers, and signs the tokens that they get in exchange. A function answers the keys of the
   * moment and is asked at every request, so that keys can be replaced.
   */
  readonly key: TokenKey | TokenKeys;
  /** Answers what is revoked, and is asked at every request. If it fails, no token counts. Without it, nothing is revoked. */
  readonly revocations?: () => Promise<readonly Revocation[]>;
  /** The audience that tokens must name; {@link defaultService} by default. */
  readonly service?: string;
  /** The URL at which clients reach the registry and its token endpoint; by default the address in their request. */
  readonly publicUrl?: string;
  /** The current time. Tests set it. */
  readonly clock?: () => Date;
  /** Milliseconds of a clock that nobody sets, for how long something lives; tests set it. */
  readonly elapsed?: () => number;
  /** Milliseconds without a request after which an upload ends; an hour by default. */
  readonly uploadIdleMs?: number;
  /** How many uploads may be open; 100 of one holder and 10,000 of all by default. */
  readonly uploadLimits?: UploadLimits;
  /** Bytes of manifests above 32 KiB each that may be on their way at once; 32 MiB by default. */
  readonly manifestBytes?: number;
  /** How everything that the registry keeps is read again and again, to find what is damaged. Without it, that is not done. */
  readonly verify?: VerifySchedule;
  /** When garbage is collected, and what is garbage. Without it, that is not done. */
  readonly collect?: CollectSchedule;
  /** Is called with a line for each request, when it has been answered. */
  readonly access?: AccessLog;
  /** Is called with what went wrong inside. It never gets a secret. */
  readonly log?: (message: string, cause: unknown) => void;
}

/** When a registry reads everything that it keeps. */
export interface VerifySchedule {
  /** Milliseconds from the end of one pass to the next. The first pass begins with the registry. */
  readonly everyMs: number;
  /** Bytes that are read in a second at most; 16 MiB by default. */
  readonly bytesPerSecond?: number;
}

/** When a registry collects garbage. */
export interface CollectSchedule extends CollectPolicy {
  /** Milliseconds from the end of one collection to the next. */
  readonly everyMs: number;
  /** Milliseconds from the start to the first; an hour by default, since clients may have asked the last registry what is there. */
  readonly firstMs?: number;
  /** Is called with what was removed. */
  readonly removed?: (removal: Removal) => void;
}

/** How many uploads and blobs a sweep removed, and the bytes of the blobs. */
export interface Swept {
  readonly uploads: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** A registry on an open data folder. */
export interface Registry {
  /** Answers one request, for `/v2/…` or `/token`. It never throws: whatever goes wrong becomes the answer. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /**
   * Ends idle uploads and frees what nobody needs any more. Pushes may go on meanwhile. The registry itself calls this at
   * the start, ends idle uploads every minute, and frees a deleted repository right after its deletion.
   */
  sweep(): Promise<Swept>;
  /** Reads everything that the registry keeps, as fast as it can. @throws the errors of `verifyStore` */
  verify(report: (problem: Problem) => void): Promise<Verified>;
  /** Collects garbage. @throws the errors of `collectGarbage` */
  collect(options: CollectOptions): Promise<Collected>;
  /**
   * Refuses new requests, finishes those in flight, and gives the folder back. It waits until every answer has been sent,
   * so the owner of the server must end connections that hang, as `serveRegistry` does after its grace period.
   * Further calls return the promise of the first.
   */
  close(): Promise<void>;
}

/**
 * Opens a registry on a folder, and throws away what the last one left unfinished there. Listen on your ports before you
 * call this, so that a start without a port throws nothing away.
 *
 * @throws DataFolderError if another registry uses the folder, or it cannot be written
 *
 * @example
 * const registry = await openRegistry({ dataDir, key: await loadTokenKey(keyFile) });
 * server.on("request", (req, res) => registry.handle(req, res));
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const clock = options.clock ?? (() => new Date());
  const elapsed = options.elapsed ?? (() => performance.now());
  const log = options.log ?? (() => undefined);
  const service = options.service ?? defaultService;
  const uploadIdleMs = options.uploadIdleMs ?? hourMs;
  const { key } = options;
  const keys: TokenKeys = typeof key === "function" ? key : async () => [key];
  const revocations = options.revocations && loggingFailures(options.revocations, log);
  const store = await openStore({ dataDir: options.dataDir, clock, elapsed, log });
  const uploads = new Uploads(store.layout.uploads, {
    elapsed,
    limits: options.uploadLimits,
    inBackground: (work) => inBackground(store, "the end of an upload", work),
  });
  const manifests = new BodyMemory({ ...manifestBytes, bytes: options.manifestBytes ?? manifestBytes.bytes });
  const dispatch = createDispatch({
    services: { store, uploads, manifests, sending: new Budget(bufferBytes), receiving: new Budget(bufferBytes) },
    tokens: {
      keys,
      service,
      clock,
      authenticate: createAuthenticate({ keys, service, clock, revocations }),
      memory: new BodyMemory(formBytes),
    },
    // A host's name may be in any script, but a header can hold only ASCII.
    publicUrl: options.publicUrl && (URL.parse(options.publicUrl)?.href ?? options.publicUrl),
  });

  async function sweep(): Promise<Swept> {
    const expired = await uploads.expire(uploadIdleMs);
    await emptyTrash(store);
    return { uploads: expired, ...(await freeUnusedBlobs(store)) };
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { access } = options;
    const noted: Noted = access === undefined ? {} : logAccess({ req, res }, { access, clock, elapsed });
    try {
      if (closing !== undefined) {
        throw new OciError(503, "UNAVAILABLE", "The registry is stopping.", { Connection: "close" });
      }
      await dispatch(req, res, noted);
    } catch (error) {
      const shown = toOciError(error);
      noted.code = shown.code;
      const ours = shown.status >= 500 || error instanceof UploadLost;
      const known = error instanceof OciError && error.code === "READ_ONLY";
      const expected = known || error instanceof ClientGone || error instanceof NoMemoryLeft;
      if (ours && closing === undefined && !expected) {
        log(`${req.method} ${req.url?.split("?")[0]} failed`, error);
      }
      try {
        sendError(res, shown);
      } catch (unsent) {
        // If a header holds a character that cannot be sent, that must not end the process.
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
  const upkeep: Upkeep[] = [];
  if (store.lock === readOnlyLock) {
    log("The data folder's disk is read-only: pulls are served, and nothing else", undefined);
  } else {
    inBackground(
      store,
      "the sweep at the start",
      sweep().then(() => undefined),
    );
    if (options.verify) upkeep.push(verifying(store, options.verify));
    if (options.collect) upkeep.push(collecting(store, options.collect));
  }
  const endUpkeep = startUpkeep(store, upkeep);

  // A list that cannot be read is told at the start, and not first when somebody is refused.
  await revocations?.().catch(() => undefined);

  async function close(): Promise<void> {
    clearInterval(timer);
    endUpkeep();
    while (inFlight.size > 0) await Promise.all(inFlight);
    while (store.background.size > 0) await Promise.all(store.background);
    // Where the disk has become read-only, both are left to the next start.
    const left = (error: unknown) => log("The data folder could not be cleaned", error);
    await uploads.expire(Number.NEGATIVE_INFINITY).catch(left);
    await store.lock.release().catch(left);
  }

  return {
    handle(req, res) {
      // `close` reports a broken connection. Without this listener its error would end the process.
      res.on("error", () => undefined);
      const closed = new Promise<void>((resolve) => res.once("close", resolve));
      const done: Promise<void> = Promise.allSettled([answer(req, res), closed])
        .then(() => undefined)
        .finally(() => inFlight.delete(done));
      inFlight.add(done);
    },
    sweep,
    verify: (report) => verifyStore(store, { report }),
    collect: (of) => collectGarbage(store, of),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function verifying(store: Store, { everyMs, bytesPerSecond = 16 * 1024 * 1024 }: VerifySchedule): Upkeep {
  return {
    name: "the reading of everything",
    firstMs: 0,
    everyMs,
    async run(signal) {
      const report = ({ kind, repository, digest, neededBy }: Problem) => {
        const images = neededBy.map(({ manifest, tags }) => (tags.length === 0 ? manifest : tags.join(", ")));
        store.log(`${repository}@${digest} is ${kind}; needed by ${images.join(", ") || "no image"}`, undefined);
      };
      await verifyStore(store, { report, pace: paceOf(bytesPerSecond, signal) });
    },
  };
}

function collecting(store: Store, { everyMs, firstMs = hourMs, removed, ...policy }: CollectSchedule): Upkeep {
  return {
    name: "the collection of garbage",
    firstMs,
    everyMs,
    run: async (signal) => void (await collectGarbage(store, { policy, signal, ...(removed && { report: removed }) })),
  };
}

/** Logs each way in which the list cannot be read once, however many requests meet it. */
function loggingFailures(
  revocations: () => Promise<readonly Revocation[]>,
  log: (message: string, cause: unknown) => void,
): () => Promise<readonly Revocation[]> {
  let logged = "";
  return async () => {
    try {
      const list = await revocations();
      logged = "";
      return list;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== logged) log(`The registry takes no credentials: ${why}`, error);
      logged = why;
      throw error;
    }
  };
}
