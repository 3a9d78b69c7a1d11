import { stat } from "node:fs/promises";
import { ifThere } from "./fs.ts";
import type { RepositoryName } from "./names.ts";
import type { Store } from "./store.ts";

/** Makes the repository's folder and its date of creation durable. The caller holds the repository's lock. */
export function ensureRepository(store: Store, name: RepositoryName): Promise<void> {
  const known = store.ready.get(name);
  if (known !== undefined) return known;
  const making = makeRepository(store, name);
  store.ready.set(name, making);
  making.catch(() => store.ready.get(name) === making && store.ready.delete(name));
  return making;
}

async function makeRepository(store: Store, name: RepositoryName): Promise<void> {
  await store.durable.ensureFolder(store.layout.repository(name));
  const created = store.layout.created(name);
  if ((await ifThere(stat(created))) !== undefined) return;
  await store.durable.writeFile(created, [Buffer.from(store.clock().toISOString())]);
}
