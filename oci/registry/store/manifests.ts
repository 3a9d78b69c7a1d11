/** The manifests of a repository, and the notes that say which of them refer to which subject. */
import { createHash } from "node:crypto";
import { open, readFile, stat, unlink, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { ifThere, namesIn } from "../../files.ts";
import { type Digest, parseDigest, type RepositoryName } from "./names.ts";
import type { Manifest, Store } from "./store.ts";

const key = (name: RepositoryName, digest: Digest) => `${name}\n${digest.text}`;

/**
 * Returns the manifest with this digest, from memory if it was read before. A manifest that is damaged on the disk counts
 * as missing, so that a client pushes it again.
 */
export async function readManifest(store: Store, name: RepositoryName, digest: Digest): Promise<Manifest | undefined> {
  const known = store.cache.manifests.get(key(name, digest));
  if (known !== undefined) return known;
  const { generation } = store.cache;
  const manifest = await ifThere(readManifestFile(store, name, digest));
  if (manifest !== undefined && generation === store.cache.generation) {
    store.cache.manifests.set(key(name, digest), manifest);
  }
  return manifest;
}

/**
 * Writes a manifest, which is durable when this resolves. Its type and its bytes are in one file, so that nobody sees one
 * without the other. The caller holds the repository's lock, exclusively.
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
  // A manifest that was there already is as young as its last push.
  const now = store.clock();
  await utimes(file, now, now);
  store.cache.generation += 1;
  store.cache.manifests.delete(key(name, manifest.digest));
}

/**
 * Removes a manifest durably. Returns false if it was not there. The caller holds the repository's lock, exclusively.
 */
export async function removeManifest(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  const file = store.layout.manifest(name, digest);
  const removed = await ifThere(unlink(file).then(() => true));
  store.cache.generation += 1;
  store.cache.manifests.delete(key(name, digest));
  if (removed === undefined) return false;
  await store.durable.syncFolder(dirname(file));
  return true;
}

/**
 * Returns the manifest from the disk, whatever the memory holds, or undefined if it is damaged.
 *
 * @throws the system's error, also if there is no such manifest
 */
export async function readManifestFile(
  store: Store,
  name: RepositoryName,
  digest: Digest,
): Promise<Manifest | undefined> {
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

/** What a list of referrers says about one manifest (distribution-spec 1.1, "Listing Referrers"). */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Names one note in a repository's index of referrers: the manifest `digest` has this subject. */
export interface ReferrerEntry {
  readonly subject: Digest;
  readonly digest: Digest;
}

/** Notes a referrer durably, before its manifest is written. Readers ignore a note without a manifest. */
export async function writeReferrer(
  store: Store,
  name: RepositoryName,
  { subject, digest }: ReferrerEntry,
  descriptor: ReferrerDescriptor,
): Promise<void> {
  const file = store.layout.referrer(name, subject, digest);
  await store.durable.ensureFolder(dirname(file));
  await store.durable.writeFile(file, Buffer.from(JSON.stringify(descriptor)));
}

/** Removes a note durably, after its manifest was removed. */
export async function removeReferrer(
  store: Store,
  name: RepositoryName,
  { subject, digest }: ReferrerEntry,
): Promise<void> {
  const file = store.layout.referrer(name, subject, digest);
  if ((await ifThere(unlink(file).then(() => true))) !== undefined) await store.durable.syncFolder(dirname(file));
}

/** Yields the descriptors of all manifests with this subject, in the order of their digests. */
export async function* listReferrers(
  store: Store,
  name: RepositoryName,
  subject: Digest,
): AsyncGenerator<ReferrerDescriptor> {
  for (const entry of (await namesIn(store.layout.referrers(name, subject))).sort()) {
    const digest = parseDigest(entry.replace("-", ":"));
    if (digest === undefined || (await ifThere(stat(store.layout.manifest(name, digest)))) === undefined) continue;
    const text = await ifThere(readFile(store.layout.referrer(name, subject, digest), "utf8"));
    if (text !== undefined) yield JSON.parse(text) as ReferrerDescriptor;
  }
}
