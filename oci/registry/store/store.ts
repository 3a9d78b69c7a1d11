/** An open data folder, and what every change of a repository begins with. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LRUCache } from "lru-cache";
import { errnoOf, ifThere, makeFolders, removeTree, syncPath } from "../../files.ts";
import { createDurable, type Durable } from "./durable.ts";
import { DataFolderError, type FolderLock, readOnlyLock, takeFolderLock } from "./folder-lock.ts";
import { isCurrent, readFormat, upgrade } from "./format.ts";
import { KeyedLock } from "./keyed-lock.ts";
import type { Digest, RepositoryName } from "./names.ts";
import { type Layout, layoutOf } from "./names.ts";
import { Recent } from "./recent.ts";

const cacheBytes = 64 * 1024 * 1024;
const cacheEntryOverheadBytes = 512;
const recentMs = 6 * 60 * 60 * 1000;

/** An open data folder, with its locks and what this process remembers of its content. */
export interface Store {
  readonly layout: Layout;
  readonly durable: Durable;
  /** A lock for each repository's name. */
  readonly repositories: KeyedLock;
  /** A lock for each digest: two pushes of the same new blob take turns, so that they end up sharing its data. */
  readonly blobs: KeyedLock;
  readonly cache: Cache;
  /** For each digest, the bytes that its content has. */
  readonly sizes: LRUCache<string, number>;
  readonly clock: () => Date;
  readonly recent: Recent;
  /** Repositories whose folder and date of creation are known to be durable. */
  readonly ready: LRUCache<RepositoryName, Promise<void>>;
  /** Work that no request waits for. The end of the registry waits for it. */
  readonly background: Set<Promise<void>>;
  readonly log: (message: string, cause: unknown) => void;
  readonly lock: FolderLock;
}

/** A manifest as it was pushed: its exact bytes, and the type under which it came. */
export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** An HTTP date. */
  readonly lastModified: string;
}

/**
 * Manifests and tags in memory. That is safe because a folder has one owner. `generation` rises with every removal and
 * replacement. What was read from the disk is remembered only if `generation` has not risen since before the read.
 */
export interface Cache {
  readonly manifests: LRUCache<string, Manifest>;
  readonly tags: LRUCache<string, string>;
  generation: number;
}

/** What {@link openStore} needs. */
export interface StoreOptions {
  /** The folder. It is made if it does not exist. */
  readonly dataDir: string;
  readonly clock: () => Date;
  /** Milliseconds of a clock that nobody sets. */
  readonly elapsed: () => number;
  readonly log: (message: string, cause: unknown) => void;
}

/** Given `max`, the library would take the memory of all entries at once. So each entry is set with the size 1. */
const entriesAtMost = { maxSize: 50_000 };

/**
 * Opens the data folder for this process alone, and throws away the uploads of the last process.
 *
 * A folder on a read-only disk can be opened too: `lock` is then {@link readOnlyLock}.
 *
 * @throws DataFolderError if another registry has the folder, it cannot be written, or a newer version wrote it
 */
export async function openStore({ dataDir, clock, elapsed, log }: StoreOptions): Promise<Store> {
  const root = resolve(dataDir);
  const layout = layoutOf(root);
  const durable = createDurable(root, layout.uploads);
  const lock = await open(layout, durable);
  return {
    layout,
    durable,
    repositories: new KeyedLock(),
    blobs: new KeyedLock(),
    cache: {
      manifests: new LRUCache({
        maxSize: cacheBytes,
        sizeCalculation: ({ bytes }) => bytes.length + cacheEntryOverheadBytes,
      }),
      tags: new LRUCache(entriesAtMost),
      // Of a folder that others may write to nothing is remembered: this equals nothing, not even itself.
      generation: lock === readOnlyLock ? Number.NaN : 0,
    },
    sizes: new LRUCache(entriesAtMost),
    clock,
    recent: new Recent(recentMs, elapsed),
    ready: new LRUCache(entriesAtMost),
    background: new Set(),
    log,
    lock,
  };
}

/**
 * Runs work that changes a repository, under the repository's lock. In the mode `shared` it runs beside other work that only
 * adds; `exclusive` work runs alone.
 *
 * @throws DataFolderError `LOST` if another registry has taken over the folder; whatever the work throws
 */
export function change<T>(
  { repositories, lock }: Store,
  name: RepositoryName,
  mode: "shared" | "exclusive",
  work: () => Promise<T>,
): Promise<T> {
  return repositories[mode](name, async () => {
    await lock.requireHeld();
    return work();
  });
}

/** Takes the folder and prepares it. On a read-only disk it is taken as it is. */
async function open(layout: Layout, durable: Durable): Promise<FolderLock> {
  const { root } = layout;
  let lock: FolderLock | undefined;
  try {
    await makeRoot(root);
    lock = await takeFolderLock(layout);
    const format = await readFormat(layout);
    await removeTree(layout.uploads);
    for (const folder of [layout.repositories, layout.blobs, layout.uploads, layout.trash]) {
      await durable.ensureFolder(folder);
    }
    await upgrade(layout, durable, format);
    return lock;
  } catch (error) {
    await lock?.release().catch(() => undefined);
    if (error instanceof DataFolderError) throw error;
    if (errnoOf(error) === "EROFS" && isCurrent(await readFormat(layout))) return readOnlyLock;
    const why = errnoOf(error) ?? "unknown error";
    throw new DataFolderError("UNWRITABLE", `The data folder ${root} cannot be written: ${why}.`, { cause: error });
  }
}

async function makeRoot(root: string): Promise<void> {
  for (const folder of await makeFolders(root)) await syncPath(dirname(folder));
}

/** Keeps track of work that no request waits for. It never throws: a failure is logged, and the next sweep tries again. */
export function inBackground(store: Store, what: string, work: Promise<void>): void {
  const done: Promise<void> = work
    .catch((error: unknown) => store.log(`${what} failed`, error))
    .finally(() => store.background.delete(done));
  store.background.add(done);
}

/**
 * Makes sure that the repository's folder and its date of creation exist and are durable. Somebody may have removed them
 * by hand since the last time. The caller holds the repository's lock.
 *
 * @throws the system's error if the disk refuses
 */
export async function ensureRepository(store: Store, name: RepositoryName): Promise<void> {
  const known = store.ready.get(name);
  await known;
  if (known !== undefined && (await dateOf(store, name)) !== undefined) return;
  // Several calls may find it missing. Only the first of them makes it again.
  if (known !== undefined && store.ready.get(name) === known) {
    store.ready.delete(name);
    store.durable.forgetFolder(store.layout.repositories);
  }
  const making = store.ready.get(name) ?? makeRepository(store, name);
  store.ready.set(name, making, { size: 1 });
  making.catch(() => store.ready.get(name) === making && store.ready.delete(name));
  await making;
}

async function makeRepository(store: Store, name: RepositoryName): Promise<void> {
  await store.durable.ensureFolder(store.layout.repository(name));
  const date = (await dateOf(store, name)) ?? Buffer.from(store.clock().toISOString());
  await store.durable.writeFile(store.layout.created(name), date);
}

async function dateOf(store: Store, name: RepositoryName): Promise<Buffer | undefined> {
  const date = await ifThere(readFile(store.layout.created(name)));
  return date === undefined || Number.isNaN(Date.parse(date.toString())) ? undefined : date;
}
