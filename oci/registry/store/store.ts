import { rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LRUCache } from "lru-cache";
import { makeFolders } from "../../token/make-folders.ts";
import { syncPath } from "../../token/new-file.ts";
import type { Fingerprint } from "./content.ts";
import { createDurable, type Durable } from "./durable.ts";
import { DataFolderError, type FolderLock, takeFolderLock } from "./folder-lock.ts";
import { errnoOf } from "./fs.ts";
import { KeyedLock } from "./keyed-lock.ts";
import { type Layout, layoutOf } from "./layout.ts";
import type { Digest, RepositoryName } from "./names.ts";

const cacheBytes = 64 * 1024 * 1024;
const cacheEntryOverheadBytes = 512;

/** What the files in this folder work on: the folder, who may touch what, and what is remembered of it. */
export interface Store {
  readonly layout: Layout;
  readonly durable: Durable;
  /** By repository name. */
  readonly repositories: KeyedLock;
  /** By digest: two pushes of the same new blob take turns, so that they end up sharing it. */
  readonly blobs: KeyedLock;
  readonly cache: Cache;
  /** By digest: the file whose content this process has seen to be what the digest names. */
  readonly verified: LRUCache<string, Fingerprint>;
  readonly clock: () => Date;
  /** Repositories whose folder and date of creation are known to be durable. */
  readonly ready: LRUCache<RepositoryName, Promise<void>>;
  /** Work that no request waits for; closing does. */
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
 * Manifests and tags in memory, which one owner per folder makes safe. `generation` rises with every removal and
 * replacement: what was read from disk is remembered only if it has not risen since before the read.
 */
export interface Cache {
  readonly manifests: LRUCache<string, Manifest>;
  readonly tags: LRUCache<string, string>;
  generation: number;
}

export interface StoreOptions {
  readonly dataDir: string;
  readonly clock: () => Date;
  readonly log: (message: string, cause: unknown) => void;
}

/** Opens the folder for this process alone and throws away the uploads of the last one. Throws DataFolderError. */
export async function openStore({ dataDir, clock, log }: StoreOptions): Promise<Store> {
  const root = resolve(dataDir);
  const layout = layoutOf(root);
  const durable = createDurable(root, layout.uploads);
  let lock: FolderLock | undefined;
  try {
    await makeRoot(root);
    lock = await takeFolderLock(layout);
    await rm(layout.uploads, { recursive: true, force: true });
    for (const folder of [layout.repositories, layout.blobs, layout.uploads, layout.trash]) {
      await durable.ensureFolder(folder);
    }
  } catch (error) {
    await lock?.release().catch(() => undefined);
    if (error instanceof DataFolderError) throw error;
    const why = errnoOf(error) ?? "unknown error";
    throw new DataFolderError("UNWRITABLE", `The data folder ${root} cannot be written: ${why}.`, { cause: error });
  }
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
      tags: new LRUCache({ max: 50_000 }),
      generation: 0,
    },
    verified: new LRUCache({ max: 50_000 }),
    clock,
    ready: new LRUCache({ max: 50_000 }),
    background: new Set(),
    log,
    lock,
  };
}

/**
 * Runs work that changes a repository: with others that only add to it, or alone. Throws DataFolderError when the
 * folder has become another registry's.
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

async function makeRoot(root: string): Promise<void> {
  for (const folder of await makeFolders(root)) await syncPath(dirname(folder));
}

/** Runs work that no request waits for. A failure is logged: the next sweep tries again. */
export function inBackground(store: Store, what: string, work: Promise<void>): void {
  const done: Promise<void> = work
    .catch((error: unknown) => store.log(`${what} failed`, error))
    .finally(() => store.background.delete(done));
  store.background.add(done);
}
