import { copyFile, type FileHandle, link, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolders } from "../../token/make-folders.ts";
import { type Fingerprint, fingerprintAt, fingerprintOfHandle, hashFile, isSameContent } from "./content.ts";
import { ensureRepository } from "./ensure-repository.ts";
import { cannotLink, errnoOf, ifThere } from "./fs.ts";
import type { Digest, RepositoryName } from "./names.ts";
import { change, type Store } from "./store.ts";

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
 * A blob that has come in: its file under `uploads`, and how the file was when the hash of what came was the digest.
 * The caller keeps the file open, so that no other file can get its inode.
 */
export interface Received {
  readonly file: string;
  readonly content: Fingerprint;
}

/**
 * Puts a file that is verified and durable already into the repository. When this resolves, so is its name, and what
 * the name leads to holds the content: the file that was received, or one that was there before and was read.
 * `received.file` may be left over (where the blob was known already): the caller removes it.
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
    await store.durable.ensureFolder(dirname(file));
    await store.blobs.exclusive(digest.text, async () => {
      if (await isIntact(store, digest, file)) return;
      if (await linkShared(store, digest, file)) return;
      await moveReceived(store, digest, received, file);
      await shareBlob(store, digest, file);
    });
    if (!(await confirm(store, digest, file))) throw new Error(`${file} is not what was committed`);
  });
}

/** Gives a repository a blob of another one. False where the other one does not have it, or has it damaged. */
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
 * Whether the file at this path is there and holds what the digest names. The store remembers the fingerprint of each
 * blob whose content it has seen, so a file is read at most once in the life of a process, and again after a change.
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
    // If somebody wrote to it while it was read, the time has changed, and the next look reads it again.
    store.verified.set(digest.text, before);
    return true;
  } finally {
    await handle.close();
  }
}

/** Deletes the blob from this repository only, and its data if nobody else has it. False where it was not there. */
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
 * Takes the blob out of this repository if its data is damaged, so that a client sends it again. Returns whether it
 * did. The caller holds the repository's lock.
 */
export async function dropIfDamaged(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  const file = store.layout.blob(name, digest);
  if (!(await dropUnlessIntact(store, digest, file))) return false;
  await store.durable.syncFolder(dirname(file));
  return true;
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

/** Links the blob from its shared name, where that holds the content. False where it does not. */
async function linkShared(store: Store, digest: Digest, file: string): Promise<boolean> {
  const shared = store.layout.sharedBlob(digest);
  return (await isIntact(store, digest, shared)) && (await tryLink(store, shared, file));
}

/** Moves what was received to the blob's name, if it is still what was received. */
async function moveReceived(store: Store, digest: Digest, { file, content }: Received, to: string): Promise<void> {
  store.verified.set(digest.text, content);
  if (!(await isIntact(store, digest, file))) throw new Error(`${file} is not what was received`);
  await rename(file, to);
}

/**
 * Makes the blob's name durable, also where it was there before: whoever put it there may not have come to that yet.
 * Returns whether the name leads to the content then.
 */
async function confirm(store: Store, digest: Digest, file: string): Promise<boolean> {
  await store.durable.syncFolder(dirname(file));
  return (await isIntact(store, digest, file)) || !(await dropUnlessIntact(store, digest, file));
}

/** Removes the name unless it leads to the content, so that nobody is told that the blob is there. */
async function dropUnlessIntact(store: Store, digest: Digest, file: string): Promise<boolean> {
  return store.blobs.exclusive(digest.text, async () => {
    if (await isIntact(store, digest, file)) return false;
    await ifThere(unlink(file));
    return true;
  });
}

// Only for deduplication, so it need not be durable, and a file system without links does without it.
async function shareBlob(store: Store, digest: Digest, file: string): Promise<void> {
  const shared = store.layout.sharedBlob(digest);
  try {
    if (await tryLink(store, file, shared)) return;
    await makeFolders(dirname(shared));
    await tryLink(store, file, shared);
  } catch (error) {
    store.log("sharing a blob failed", error);
  }
}

/**
 * Makes `to` another name of `from`, in place of a damaged file that may have this name. False when `from` is not
 * there, or cannot have another name.
 */
async function tryLink(store: Store, from: string, to: string): Promise<boolean> {
  const aside = store.durable.aside();
  try {
    await link(from, to).catch(async (error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
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
