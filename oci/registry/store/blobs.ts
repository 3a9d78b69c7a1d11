import { copyFile, type FileHandle, link, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolders } from "../../token/make-folders.ts";
import { ensureRepository } from "./ensure-repository.ts";
import { cannotLink, errnoOf, ifThere } from "./fs.ts";
import type { Digest, RepositoryName } from "./names.ts";
import type { Store } from "./store.ts";

export interface OpenBlob {
  readonly handle: FileHandle;
  readonly size: number;
}

/** The blob's size in this repository, or undefined where it was never uploaded or mounted here. */
export async function blobSize(store: Store, name: RepositoryName, digest: Digest): Promise<number | undefined> {
  return (await ifThere(stat(store.layout.blob(name, digest))))?.size;
}

/** Opens a blob of this repository. The caller closes the handle; a deletion meanwhile does not disturb the reading. */
export async function openBlob(store: Store, name: RepositoryName, digest: Digest): Promise<OpenBlob | undefined> {
  const handle = await ifThere(open(store.layout.blob(name, digest), "r"));
  if (handle === undefined) return undefined;
  try {
    return { handle, size: (await handle.stat()).size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Puts a file that is verified and durable already into the repository. When this resolves, so is its name.
 * `aside` may be left over (where the blob was known already): the caller removes it.
 */
export async function commitBlob(store: Store, name: RepositoryName, digest: Digest, aside: string): Promise<void> {
  await store.repositories.shared(name, async () => {
    await ensureRepository(store, name);
    const file = store.layout.blob(name, digest);
    await store.durable.ensureFolder(dirname(file));
    await store.blobs.exclusive(digest.text, async () => {
      if ((await ifThere(stat(file))) !== undefined) return;
      if (await tryLink(store.layout.sharedBlob(digest), file)) return;
      await rename(aside, file);
      await shareBlob(store, digest, file);
    });
    // Also where it was there before: whoever put it there may not have come to this line yet.
    await store.durable.syncFolder(dirname(file));
  });
}

/** Gives a repository a blob of another one. False where the other one does not have it. */
export async function mountBlob(
  store: Store,
  { from, to, digest }: { from: RepositoryName; to: RepositoryName; digest: Digest },
): Promise<boolean> {
  return store.repositories.shared(to, async () => {
    const source = store.layout.blob(from, digest);
    if ((await ifThere(stat(source))) === undefined) return false;
    await ensureRepository(store, to);
    const file = store.layout.blob(to, digest);
    await store.durable.ensureFolder(dirname(file));
    if (!(await tryLink(source, file)) && !(await tryCopy(store, source, file))) return false;
    await store.durable.syncFolder(dirname(file));
    return true;
  });
}

/** Deletes the blob from this repository only, and its data if nobody else has it. False where it was not there. */
export async function deleteBlob(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  return store.repositories.exclusive(name, async () => {
    const file = store.layout.blob(name, digest);
    if ((await ifThere(unlink(file).then(() => true))) === undefined) return false;
    await store.durable.syncFolder(dirname(file));
    await freeShared(store, digest);
    return true;
  });
}

/** Removes the shared name of a blob that no repository has. Safe at any time: whoever links it keeps the data. */
export async function freeShared(store: Store, digest: Digest): Promise<boolean> {
  return store.blobs.exclusive(digest.text, async () => {
    const shared = store.layout.sharedBlob(digest);
    if ((await ifThere(stat(shared)))?.nlink !== 1) return false;
    await ifThere(unlink(shared));
    return true;
  });
}

// Only for deduplication, so it need not be durable, and a file system without links does without it.
async function shareBlob(store: Store, digest: Digest, file: string): Promise<void> {
  const shared = store.layout.sharedBlob(digest);
  try {
    await link(file, shared).catch(async (error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      await makeFolders(dirname(shared));
      await link(file, shared);
    });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST" && !cannotLink(error)) store.log("sharing a blob failed", error);
  }
}

/** True when `to` is there afterwards; false when `from` is not, or cannot be linked. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return true;
    if (errnoOf(error) === "ENOENT" || cannotLink(error)) return false;
    throw error;
  }
}

async function tryCopy(store: Store, from: string, to: string): Promise<boolean> {
  const aside = store.durable.aside();
  try {
    if ((await ifThere(copyFile(from, aside).then(() => true))) === undefined) return false;
    const handle = await open(aside, "r+");
    await handle.sync().finally(() => handle.close());
    await rename(aside, to);
    return true;
  } finally {
    await ifThere(unlink(aside));
  }
}
