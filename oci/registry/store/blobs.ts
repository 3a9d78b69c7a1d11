/** The blobs of the store. A blob in a repository is a hard link, and the file system counts who needs its data. */
import { copyFile, type FileHandle, link, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import {
  cannotLink,
  errnoOf,
  type Fingerprint,
  fingerprintAt,
  fingerprintOfHandle,
  hashFile,
  ifThere,
  isSameContent,
  makeFolders,
  namesIn,
} from "../../files.ts";
import type { Digest, RepositoryName } from "./names.ts";
import { digestAlgorithms, digestOf } from "./names.ts";
import { change, ensureRepository, type Store } from "./store.ts";

/** A blob that is open for reading, and its size in bytes. */
export interface OpenBlob {
  readonly handle: FileHandle;
  readonly size: number;
}

/** Returns the blob's size in bytes, or undefined if this repository does not have it. */
export async function blobSize(store: Store, name: RepositoryName, digest: Digest): Promise<number | undefined> {
  return (await ifThere(stat(store.layout.blob(name, digest))))?.size;
}

/**
 * Opens a blob of this repository. A deletion meanwhile does not disturb the reader. The caller closes the handle.
 *
 * @returns undefined if this repository does not have it
 */
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
 * A blob that has arrived: its file under `uploads`, and the file's fingerprint at the moment when its content had the
 * right digest. The caller keeps the file open, so that no other file can get its inode.
 */
export interface Received {
  readonly file: string;
  readonly content: Fingerprint;
}

/**
 * Puts a file whose content is verified and durable into the repository. When this resolves, the blob's name is durable
 * too, and leads to the content: to the file that was received, or to one that was there before and was read.
 * If the blob was known already, `received.file` is left over, and the caller removes it.
 *
 * @throws Error if the disk no longer holds what was received; DataFolderError; the system's error if the disk refuses
 */
export async function commitBlob(
  store: Store,
  name: RepositoryName,
  digest: Digest,
  received: Received,
): Promise<void> {
  await change(store, name, "shared", async () => {
    await ensureRepository(store, name);
    const file = store.layout.blob(name, digest);
    const shared = store.layout.sharedBlob(digest);
    await store.durable.ensureFolder(dirname(file));
    await store.blobs.exclusive(digest.text, async () => {
      if (await isIntact(store, digest, file)) return;
      if ((await isIntact(store, digest, shared)) && (await tryLink(store, shared, file))) return;
      await moveReceived(store, digest, received, file);
      await shareBlob(store, file, shared);
    });
    if (!(await confirm(store, digest, file))) throw new Error(`${file} does not hold what was committed`);
  });
}

/**
 * Gives the repository `to` a blob of the repository `from`. Returns false if `from` does not have the blob, or its data is
 * damaged.
 *
 * @throws DataFolderError; the system's error if the disk refuses
 */
export async function mountBlob(
  store: Store,
  { from, to, digest }: { from: RepositoryName; to: RepositoryName; digest: Digest },
): Promise<boolean> {
  return change(store, to, "shared", async () => {
    const source = store.layout.blob(from, digest);
    if ((await ifThere(stat(source))) === undefined) return false;
    await ensureRepository(store, to);
    const file = store.layout.blob(to, digest);
    await store.durable.ensureFolder(dirname(file));
    const mounted = await store.blobs.exclusive(digest.text, async () => {
      if (await isIntact(store, digest, file)) return true;
      if (!(await isIntact(store, digest, source))) return false;
      return (await tryLink(store, source, file)) || (await tryCopy(store, digest, source, file));
    });
    return mounted && confirm(store, digest, file);
  });
}

/**
 * Whether the file at this path exists and has the content that the digest names. The store remembers the fingerprint of
 * each blob that it has read. A file is therefore read once, and again only after it has changed.
 */
async function isIntact(store: Store, digest: Digest, path: string): Promise<boolean> {
  const found = await fingerprintAt(path);
  if (found === undefined) return false;
  const known = store.verified.get(digest.text);
  if (known !== undefined && isSameContent(known, found)) return true;
  const handle = await ifThere(open(path, "r"));
  if (handle === undefined) return false;
  try {
    const before = await fingerprintOfHandle(handle);
    if ((await hashFile(handle, digest.algorithm)) !== digest.hex) {
      store.log(`${path} is damaged: its content is not that of its digest`, undefined);
      return false;
    }
    // This is the fingerprint from before the reading. If somebody wrote meanwhile, the file is read again the next time.
    store.verified.set(digest.text, before, { size: 1 });
    return true;
  } finally {
    await handle.close();
  }
}

/**
 * Deletes the blob from this repository only, and its data if no other repository has it. Returns false if it was not
 * there.
 *
 * @throws DataFolderError; the system's error if the disk refuses
 */
export async function deleteBlob(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  return change(store, name, "exclusive", async () => {
    const file = store.layout.blob(name, digest);
    if ((await ifThere(unlink(file).then(() => true))) === undefined) return false;
    await store.durable.syncFolder(dirname(file));
    await freeShared(store, digest);
    return true;
  });
}

/**
 * Removes the blob from this repository if its data is damaged, so that a client sends it again. Returns whether it did.
 * The caller holds the repository's lock.
 */
export async function dropIfDamaged(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  const file = store.layout.blob(name, digest);
  if (!(await dropUnlessIntact(store, digest, file))) return false;
  await store.durable.syncFolder(dirname(file));
  return true;
}

/**
 * Removes the shared name of a blob that no repository has. Returns whether it did. This is safe at any time: a repository
 * that has linked the blob keeps the data.
 */
export async function freeShared(store: Store, digest: Digest): Promise<boolean> {
  return store.blobs.exclusive(digest.text, async () => {
    const shared = store.layout.sharedBlob(digest);
    if ((await ifThere(stat(shared)))?.nlink !== 1) return false;
    await ifThere(unlink(shared));
    return true;
  });
}

/** Moves what was received to the blob's name. @throws Error if the file has changed since */
async function moveReceived(store: Store, digest: Digest, { file, content }: Received, to: string): Promise<void> {
  store.verified.set(digest.text, content, { size: 1 });
  if (!(await isIntact(store, digest, file))) throw new Error(`${file} no longer holds what was received`);
  await rename(file, to);
}

/**
 * Makes the blob's name durable, even if the name was there before, because whoever made it may not have done that yet.
 * Returns whether the name leads to the content afterwards.
 */
async function confirm(store: Store, digest: Digest, file: string): Promise<boolean> {
  await store.durable.syncFolder(dirname(file));
  return (await isIntact(store, digest, file)) || !(await dropUnlessIntact(store, digest, file));
}

/** Removes the name unless it leads to the content, so that no client is told that the blob is there. */
async function dropUnlessIntact(store: Store, digest: Digest, file: string): Promise<boolean> {
  return store.blobs.exclusive(digest.text, async () => {
    if (await isIntact(store, digest, file)) return false;
    await ifThere(unlink(file));
    return true;
  });
}

// The shared name serves deduplication only, so it need not be durable. A file system without links goes without it.
async function shareBlob(store: Store, file: string, shared: string): Promise<void> {
  try {
    if (await tryLink(store, file, shared)) return;
    await makeFolders(dirname(shared));
    await tryLink(store, file, shared);
  } catch (error) {
    store.log("sharing a blob failed", error);
  }
}

/**
 * Makes `to` another name of `from`, and replaces a damaged file of that name. Returns false if `from` does not exist, or
 * cannot have another name.
 */
async function tryLink(store: Store, from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch(async (error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
      const aside = store.durable.aside();
      await link(from, aside);
      await rename(aside, to);
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || cannotLink(error)) return false;
    throw error;
  }
}

async function tryCopy(store: Store, digest: Digest, from: string, to: string): Promise<boolean> {
  const aside = store.durable.aside();
  try {
    if ((await ifThere(copyFile(from, aside).then(() => true))) === undefined) return false;
    const handle = await open(aside, "r+");
    await handle.sync().finally(() => handle.close());
    if (!(await isIntact(store, digest, aside))) return false;
    await rename(aside, to);
    return true;
  } finally {
    await ifThere(unlink(aside));
  }
}

/**
 * Removes the shared names of blobs that no repository has. A crash between two steps can leave such names. Pushes and reads
 * may go on meanwhile. Returns how many blobs it removed, and how many bytes they had.
 */
export async function freeUnusedBlobs(store: Store): Promise<{ blobs: number; bytes: number }> {
  const freed = { blobs: 0, bytes: 0 };
  for (const algorithm of digestAlgorithms) {
    for (const prefix of await namesIn(`${store.layout.blobs}/${algorithm}`)) {
      for (const hex of await namesIn(`${store.layout.blobs}/${algorithm}/${prefix}`)) {
        const digest = digestOf(algorithm, hex);
        const size = (await ifThere(stat(store.layout.sharedBlob(digest))))?.size ?? 0;
        if (!(await freeShared(store, digest))) continue;
        freed.blobs += 1;
        freed.bytes += size;
      }
    }
  }
  return freed;
}
