import { readFile } from "node:fs/promises";
import { ifThere } from "./fs.ts";
import type { RepositoryName } from "./names.ts";
import type { Store } from "./store.ts";

/**
 * Makes sure that the repository's folder and its date of creation are there and durable. They may have been removed by
 * hand since the last time. The caller holds the repository's lock.
 */
export async function ensureRepository(store: Store, name: RepositoryName): Promise<void> {
  const known = store.ready.get(name);
  await known;
  if (known !== undefined && (await dateOf(store, name)) !== undefined) return;
  // Only the first of those that find it missing makes it anew.
  if (known !== undefined && store.ready.get(name) === known) {
    store.ready.delete(name);
    store.durable.forgetFolder(store.layout.repositories);
  }
  const making = store.ready.get(name) ?? makeRepository(store, name);
  store.ready.set(name, making);
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
