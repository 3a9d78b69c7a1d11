/** Whether a blob's file holds what its digest names, and what becomes of a file that does not. */
import { link, open, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  cannotLink,
  errnoOf,
  type Fingerprint,
  fingerprintAt,
  fingerprintOfHandle,
  hashFile,
  ifThere,
  makeFolders,
} from "../../files.ts";
import type { Digest } from "./names.ts";
import type { Store } from "./store.ts";

/**
 * Whether a file of this length can be the digest's content. The length of each blob is noted when it arrives, so this costs
 * no reading of the blob. If there is no note, the answer is false, and {@link mend} reads the blob and notes it.
 */
export async function hasItsSize(store: Store, digest: Digest, size: number): Promise<boolean> {
  const known = store.sizes.get(digest.text) ?? (await readNote(store, digest));
  return known === size;
}

async function readNote(store: Store, digest: Digest): Promise<number | undefined> {
  const text = await ifThere(readFile(store.layout.size(digest), "utf8"));
  // The note is not made durable. After a power cut it may be missing or torn, and then the blob is read instead.
  const size = /^(\d+)\n$/.exec(text ?? "")?.[1];
  if (size === undefined) return undefined;
  store.sizes.set(digest.text, Number(size), { size: 1 });
  return Number(size);
}

/** Notes how many bytes the digest's content has. Without the note, the blob is read once after each start. */
export async function noteSize(store: Store, digest: Digest, size: number): Promise<void> {
  if (store.sizes.get(digest.text) === size) return;
  store.sizes.set(digest.text, size, { size: 1 });
  const file = store.layout.size(digest);
  try {
    await writeFile(file, `${size}\n`).catch(async (error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      await makeFolders(dirname(file));
      await writeFile(file, `${size}\n`);
    });
  } catch (error) {
    store.log("noting the size of a blob failed", error);
  }
}

/** Removes the note of a blob that is gone. @throws the system's error */
export async function forgetSize(store: Store, digest: Digest): Promise<void> {
  store.sizes.delete(digest.text);
  await ifThere(unlink(store.layout.size(digest)));
}

/**
 * Reads a file, and returns its fingerprint if it has the content that the digest names. Returns undefined if there is no such
 * file, or it is damaged, which is logged.
 *
 * @param pace slows the reading down, as in `hashFile`
 * @throws the system's error if the file cannot be read
 */
export async function readIntact(
  store: Store,
  digest: Digest,
  path: string,
  pace?: (bytes: number) => Promise<void>,
): Promise<Fingerprint | undefined> {
  const handle = await ifThere(open(path, "r"));
  if (handle === undefined) return undefined;
  try {
    // This is the fingerprint from before the reading. If somebody writes meanwhile, the file has another one afterwards.
    const before = await fingerprintOfHandle(handle);
    if ((await hashFile(handle, digest.algorithm, pace)) === digest.hex) {
      const size = Number(before.size);
      if (!(await hasItsSize(store, digest, size))) await noteSize(store, digest, size);
      return before;
    }
    store.log(`${path} is damaged: its content is not that of its digest`, undefined);
    return undefined;
  } finally {
    await handle.close();
  }
}

/** As {@link readIntact}, but a file that the disk cannot read counts as damaged: the caller has another one. */
export async function readIfWhole(store: Store, digest: Digest, path: string): Promise<Fingerprint | undefined> {
  try {
    return await readIntact(store, digest, path);
  } catch (error) {
    if (errnoOf(error) !== "EIO") throw error;
    store.log(`${path} cannot be read`, error);
    return undefined;
  }
}

/**
 * Makes a blob's file whole, if it is not: by a link to the shared copy. If that is damaged too, the file is moved to the
 * quarantine, so that a client pushes the blob again.
 *
 * @param how `sized` leaves a file alone that has the length that was noted; `read` reads it in any case
 * @returns the bytes that the blob has, or undefined if it is not there any more
 * @throws DataFolderError; the system's error if the disk refuses, or the file cannot be read
 */
export async function mend(
  store: Store,
  digest: Digest,
  file: string,
  how: "sized" | "read",
): Promise<number | undefined> {
  return store.blobs.exclusive(digest.text, async () => {
    // Several requests may wait for the first reading of a blob. It notes the size for the others.
    const size = how === "read" ? undefined : (await fingerprintAt(file))?.size;
    if (size !== undefined && (await hasItsSize(store, digest, Number(size)))) return Number(size);
    const own = await readIntact(store, digest, file);
    if (own !== undefined) return Number(own.size);
    if ((await fingerprintAt(file)) === undefined) return undefined;
    await store.lock.requireHeld();
    const shared = store.layout.sharedBlob(digest);
    const other = await readIntact(store, digest, shared);
    const linked = other !== undefined && (await tryLink(store, shared, file));
    if (!linked) {
      await setAside(store, digest, file);
      if (other === undefined) await ifThere(unlink(shared));
    }
    await store.durable.syncFolder(dirname(file));
    return linked ? Number(other.size) : undefined;
  });
}

/** Moves a damaged file to the quarantine, which keeps the last one of each digest. */
async function setAside(store: Store, { algorithm, hex }: Digest, file: string): Promise<void> {
  await store.durable.ensureFolder(store.layout.quarantine);
  await ifThere(rename(file, `${store.layout.quarantine}/${algorithm}-${hex}`));
  // A rename does nothing where both names lead to one file already (POSIX, `rename`): another repository had it too.
  await ifThere(unlink(file));
}

/**
 * Makes `to` another name of `from`, and replaces a damaged file of that name. Returns false if `from` does not exist, or
 * cannot have another name.
 */
export async function tryLink(store: Store, from: string, to: string): Promise<boolean> {
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
