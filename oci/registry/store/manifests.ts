import { createHash } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { ifThere } from "./fs.ts";
import type { Digest, RepositoryName } from "./names.ts";
import type { Manifest, Store } from "./store.ts";

const key = (name: RepositoryName, digest: Digest) => `${name}\n${digest.text}`;

/**
 * The manifest with this digest in this repository, from memory where it was read before. One that is damaged on the
 * disk counts as missing, so that a client pushes it again.
 */
export async function readManifest(store: Store, name: RepositoryName, digest: Digest): Promise<Manifest | undefined> {
  const known = store.cache.manifests.get(key(name, digest));
  if (known !== undefined) return known;
  const { generation } = store.cache;
  const manifest = await ifThere(readFile(store, name, digest));
  if (manifest !== undefined && generation === store.cache.generation) {
    store.cache.manifests.set(key(name, digest), manifest);
  }
  return manifest;
}

/**
 * Writes a manifest, durably, before it resolves. Type and bytes are one file, so that neither is ever seen without
 * the other. The caller holds the repository's lock, exclusively.
 */
export async function writeManifest(
  store: Store,
  name: RepositoryName,
  manifest: Pick<Manifest, "digest" | "mediaType" | "bytes">,
): Promise<void> {
  const file = store.layout.manifest(name, manifest.digest);
  await store.durable.ensureFolder(dirname(file));
  const type = Buffer.from(`${JSON.stringify({ mediaType: manifest.mediaType })}\n`);
  await store.durable.writeFile(file, Buffer.concat([type, manifest.bytes]));
  store.cache.generation += 1;
  store.cache.manifests.delete(key(name, manifest.digest));
}

/** Removes a manifest, durably. False where it was not there. The caller holds the repository's lock, exclusively. */
export async function removeManifest(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  const file = store.layout.manifest(name, digest);
  const removed = await ifThere(unlink(file).then(() => true));
  store.cache.generation += 1;
  store.cache.manifests.delete(key(name, digest));
  if (removed === undefined) return false;
  await store.durable.syncFolder(dirname(file));
  return true;
}

async function readFile(store: Store, name: RepositoryName, digest: Digest): Promise<Manifest | undefined> {
  const file = store.layout.manifest(name, digest);
  const handle = await open(file, "r");
  try {
    const [content, { mtime }] = [await handle.readFile(), await handle.stat()];
    const end = content.indexOf(0x0a);
    const bytes = content.subarray(end + 1);
    if (createHash(digest.algorithm).update(bytes).digest("hex") !== digest.hex) {
      store.log(`${file} is damaged: its content is not that of its digest`, undefined);
      return undefined;
    }
    const { mediaType } = JSON.parse(content.toString("utf8", 0, end)) as { mediaType: string };
    return { digest, mediaType, bytes, lastModified: mtime.toUTCString() };
  } finally {
    await handle.close();
  }
}
