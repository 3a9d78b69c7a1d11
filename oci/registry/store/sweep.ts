import { rm, stat } from "node:fs/promises";
import { freeShared } from "./blobs.ts";
import { ifThere, namesIn } from "./fs.ts";
import { type Digest, digestAlgorithms, digestOf, parseDigest } from "./names.ts";
import type { Store } from "./store.ts";

/** Frees what deleted repositories leave: first their own links, then the blobs that nobody else has. */
export function emptyTrash(store: Store): Promise<void> {
  // No repository is called so: this only keeps two from emptying it at once.
  return store.repositories.exclusive("/trash", () => removeTrash(store));
}

async function removeTrash(store: Store): Promise<void> {
  for (const entry of await namesIn(store.layout.trash)) {
    const folder = `${store.layout.trash}/${entry}`;
    const digests = await blobsIn(`${folder}/blobs`);
    await rm(folder, { recursive: true, force: true });
    for (const digest of digests) await freeShared(store, digest);
  }
}

/**
 * Removes the shared names of blobs that no repository has, as a crash between two steps leaves them.
 * Safe beside pushes and reads. Returns how many, and how many bytes that freed.
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

async function blobsIn(folder: string): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const algorithm of digestAlgorithms) {
    for (const hex of await namesIn(`${folder}/${algorithm}`)) {
      const digest = parseDigest(`${algorithm}:${hex}`);
      if (digest !== undefined) found.push(digest);
    }
  }
  return found;
}
