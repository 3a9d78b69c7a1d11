/** The blobs of the store. A blob in a repository is a hard link, and the file system counts who needs its data. */
import { copyFile, type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { type Fingerprint, fingerprintAt, ifThere, isSameContent, makeFolders, namesIn } from "../../files.ts";
import { forgetSize, hasItsSize, mend, noteSize, readIfWhole, tryLink } from "./damage.ts";
import type { Digest, RepositoryName } from "./names.ts";
import { digestAlgorithms, digestOf } from "./names.ts";
import { change, ensureRepository, type Store } from "./store.ts";

/** A blob that is open for reading, and its size in bytes. */
export interface OpenBlob {
  readonly handle: FileHandle;
  readonly size: number;
}

/**
 * Returns the blob's size in bytes, or undefined if this repository does not have it. A file of another length is damaged: it
 * comes back from another copy, or it is set aside and the repository does not have the blob any more.
 *
 * @throws DataFolderError; the system's error
 */
export async function blobSize(store: Store, name: RepositoryName, digest: Digest): Promise<number | undefined> {
  const file = store.layout.blob(name, digest);
  const size = (await ifThere(stat(file)))?.size;
  if (size === undefined || (await hasItsSize(store, digest, size))) return size;
  return mend(store, digest, file, "sized");
}

/**
 * Opens a blob of this repository. A deletion meanwhile does not disturb the reader. The caller closes the handle.
 *
 * @returns undefined if this repository does not have it, or has only a damaged file, as in {@link blobSize}
 */
export async function openBlob(store: Store, name: RepositoryName, digest: Digest): Promise<OpenBlob | undefined> {
  const file = store.layout.blob(name, digest);
  const found = await openFile(file);
  if (found === undefined) return undefined;
  try {
    if (await hasItsSize(store, digest, found.size)) return found;
  } catch (error) {
    await found.handle.close();
    throw error;
  }
  await found.handle.close();
  return (await mend(store, digest, file, "sized")) === undefined ? undefined : openFile(file);
}

async function openFile(file: string): Promise<OpenBlob | undefined> {
  const handle = await ifThere(open(file, "r"));
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
 * If the blob was there already, `received.file` is left over, and the caller removes it.
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
    await noteSize(store, digest, Number(received.content.size));
    const content = await store.blobs.exclusive(digest.text, async () => {
      // What was received is known to be right. What was there before counts only if it is the same, which is read.
      const own = await readIfWhole(store, digest, file);
      if (own !== undefined) return own;
      const other = await readIfWhole(store, digest, shared);
      if (other !== undefined && (await tryLink(store, shared, file))) return other;
      await moveReceived(received, file);
      await shareBlob(store, file, shared);
      return received.content;
    });
    if (!(await confirm(store, digest, file, content))) throw new Error(`${file} does not hold what was committed`);
  });
}

/**
 * Gives the repository `to` a blob of the repository `from`. Returns false if `from` does not have the blob, or its data is
 * damaged. The data is read each time, so that no damage spreads; an upload in its place would read as much.
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
    const content = await store.blobs.exclusive(digest.text, async () => {
      const own = await readIfWhole(store, digest, file);
      if (own !== undefined) return own;
      const other = await readIfWhole(store, digest, source);
      if (other === undefined) return undefined;
      return (await tryLink(store, source, file)) ? other : tryCopy(store, digest, source, file);
    });
    return content !== undefined && confirm(store, digest, file, content);
  });
}

/**
 * Deletes the blob from this repository only, and its data if no other repository has it. Returns false if it was not
 * there.
 *
 * @throws DataFolderError; the system's error if the disk refuses
 */
export async function deleteBlob(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  return change(store, name, "exclusive", () => removeBlob(store, name, digest));
}

/** As {@link deleteBlob}. The caller holds the repository's lock, exclusively. */
export async function removeBlob(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  const file = store.layout.blob(name, digest);
  if ((await ifThere(unlink(file).then(() => true))) === undefined) return false;
  await store.durable.syncFolder(dirname(file));
  await freeShared(store, digest);
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
    await forgetSize(store, digest);
    return true;
  });
}

/** Moves what was received to the blob's name. @throws Error if the file has changed since */
async function moveReceived({ file, content }: Received, to: string): Promise<void> {
  const found = await fingerprintAt(file);
  if (found === undefined || !isSameContent(found, content))
    throw new Error(`${file} no longer holds what was received`);
  await rename(file, to);
}

/**
 * Makes the blob's name durable, even if the name was there before, because whoever made it may not have done that yet.
 * Returns whether the name leads to the content afterwards. If it does not, it is removed, so that no client is told that
 * the blob is there.
 */
async function confirm(store: Store, digest: Digest, file: string, content: Fingerprint): Promise<boolean> {
  await store.durable.syncFolder(dirname(file));
  const found = await fingerprintAt(file);
  if (found !== undefined && isSameContent(found, content)) return true;
  return (await mend(store, digest, file, "read")) !== undefined;
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

async function tryCopy(store: Store, digest: Digest, from: string, to: string): Promise<Fingerprint | undefined> {
  const aside = store.durable.aside();
  try {
    if ((await ifThere(copyFile(from, aside).then(() => true))) === undefined) return undefined;
    const handle = await open(aside, "r+");
    await handle.sync().finally(() => handle.close());
    const content = await readIfWhole(store, digest, aside);
    if (content !== undefined) await rename(aside, to);
    return content;
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
