/** Repositories as a whole: which there are, and how one is deleted. */
import { randomUUID } from "node:crypto";
import { opendir, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { ifThere, namesIn, removeTree } from "../../files.ts";
import { freeShared } from "./blobs.ts";
import { allRepositories } from "./listing.ts";
import { type DigestAlgorithm, digestAlgorithms, parseDigest, type RepositoryName } from "./names.ts";
import { change, inBackground, type Store } from "./store.ts";

/** Whether the repository exists: something was pushed to it since it was last deleted. */
export async function repositoryExists(store: Store, name: RepositoryName): Promise<boolean> {
  return (await ifThere(stat(store.layout.repository(name)))) !== undefined;
}

/** Returns when the repository was made (ISO 8601), or undefined if it holds no manifest. */
export async function repositoryCreatedAt(store: Store, name: RepositoryName): Promise<string | undefined> {
  if (!(await holdsManifest(store, name))) return undefined;
  return ifThere(readFile(store.layout.created(name), "utf8"));
}

async function holdsManifest(store: Store, name: RepositoryName): Promise<boolean> {
  for (const algorithm of digestAlgorithms) {
    const folder = await ifThere(opendir(`${store.layout.manifests(name)}/${algorithm}`));
    if (folder === undefined) continue;
    const entry = await folder.read();
    await folder.close();
    if (entry !== null) return true;
  }
  return false;
}

/**
 * Deletes this repository with its manifests, tags and blobs, but none that is nested below it. One rename removes
 * everything at once, and the space is freed afterwards. Returns false if there was nothing.
 *
 * @throws DataFolderError; the system's error if the disk refuses
 */
export async function deleteRepository(store: Store, name: RepositoryName): Promise<boolean> {
  return change(store, name, "exclusive", async () => {
    const folder = store.layout.repository(name);
    store.durable.forgetFolder(folder);
    store.ready.delete(name);
    const moved = await ifThere(rename(folder, `${store.layout.trash}/${randomUUID()}`).then(() => true));
    forgetRepository(store, name);
    if (moved === undefined) return false;
    await Promise.all([store.durable.syncFolder(dirname(folder)), store.durable.syncFolder(store.layout.trash)]);
    inBackground(store, "emptying the trash", emptyTrash(store));
    return true;
  });
}

function forgetRepository(store: Store, name: RepositoryName): void {
  store.cache.generation += 1;
  for (const cache of [store.cache.manifests, store.cache.tags]) {
    for (const key of cache.keys()) if (key.startsWith(`${name}\n`)) cache.delete(key);
  }
}

/**
 * Lists, in lexical order, at most `limit` repositories after `last` that hold a manifest, and says whether more follow.
 *
 * @param from lists only this repository and those that are nested below it
 */
export async function listRepositories(
  store: Store,
  { limit, last, from }: { limit: number; last: string; from?: RepositoryName },
): Promise<{ names: RepositoryName[]; more: boolean }> {
  const names: RepositoryName[] = [];
  const isMeant = (name: string) => from === undefined || name === from || name.startsWith(`${from}/`);
  const all = await allRepositories(store.layout);
  for (const name of all.filter((candidate) => candidate > last && isMeant(candidate))) {
    if (!(await holdsManifest(store, name))) continue;
    if (names.length === limit) return { names, more: true };
    names.push(name);
  }
  return { names, more: false };
}

/** Frees what deleted repositories leave: first their own links, then the blobs that no other repository has. */
export function emptyTrash(store: Store): Promise<void> {
  // No repository can have this name. The lock only keeps two calls from emptying the trash at once.
  return store.repositories.exclusive("/trash", () => removeTrash(store));
}

async function removeTrash(store: Store): Promise<void> {
  for (const entry of await namesIn(store.layout.trash)) {
    const folder = `${store.layout.trash}/${entry}`;
    for (const algorithm of digestAlgorithms) await removeBlobs(store, `${folder}/blobs/${algorithm}`, algorithm);
    await removeTree(folder);
  }
}

/** Removes a folder's blobs one after the other, so that nobody who reads waits behind them. */
async function removeBlobs(store: Store, folder: string, algorithm: DigestAlgorithm): Promise<void> {
  for await (const { name } of (await ifThere(opendir(folder))) ?? []) {
    await ifThere(unlink(`${folder}/${name}`));
    const digest = parseDigest(`${algorithm}:${name}`);
    if (digest !== undefined) await freeShared(store, digest);
  }
}
