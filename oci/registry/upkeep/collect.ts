/** Removes images that nobody can name any more, and the blobs that no image needs. */
import { stat } from "node:fs/promises";
import { repositoryMarker } from "../../client/index.ts";
import { ifThere } from "../../files.ts";
import type { ManifestContent } from "../api/manifest-content.ts";
import { removeBlob } from "../store/blobs.ts";
import { allRepositories, digestsIn } from "../store/listing.ts";
import { removeManifest, removeReferrer } from "../store/manifests.ts";
import type { Digest, RepositoryName } from "../store/names.ts";
import { change, type Store } from "../store/store.ts";
import { tagsByDigest } from "../store/tags.ts";
import { manifestsOf } from "./images.ts";

/** Which images may go. Tagged images stay, with what they refer to and what refers to them. */
export interface CollectPolicy {
  /** Milliseconds since its last push after which an untagged image may go. */
  readonly untaggedMs: number;
  /** How many untagged images of each repository stay, whatever their age: those that were pushed last. */
  readonly keepLast: number;
}

/** An image or a blob that was removed from a repository, or would be. `bytes` is what that frees on the disk. */
export interface Removal {
  readonly kind: "image" | "blob";
  readonly repository: string;
  readonly digest: string;
  readonly bytes: number;
}

/** How garbage is collected. */
export interface CollectOptions {
  readonly policy: CollectPolicy;
  /** Removes nothing, and reports what would be removed. */
  readonly dryRun?: boolean;
  readonly report?: (removal: Removal) => void;
  /** Ends the collection between two repositories, by throwing. */
  readonly signal?: AbortSignal;
}

/** How many images and blobs were removed from repositories, or would be, and the bytes that this frees. */
export interface Collected {
  readonly images: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** Milliseconds that a blob without an image stays: a push of many layers may take hours before its manifest comes. */
const blobGraceMs = 6 * 60 * 60 * 1000;

/**
 * Collects garbage. Pushes and pulls may go on meanwhile: whatever a request of the last hours pushed or asked for stays, and that
 * is looked at once more under the repository's lock.
 *
 * @throws DataFolderError; the system's error
 */
export async function collectGarbage(store: Store, options: CollectOptions): Promise<Collected> {
  const total = { images: 0, blobs: 0, bytes: 0 };
  const count = (removal: Removal) => {
    total[removal.kind === "image" ? "images" : "blobs"] += 1;
    total.bytes += removal.bytes;
    options.report?.(removal);
  };
  for (const name of await allRepositories(store.layout)) {
    options.signal?.throwIfAborted();
    await collectRepository(store, name, { ...options, report: count });
  }
  return total;
}

interface Image {
  readonly digest: Digest;
  readonly content: ManifestContent;
  /** Milliseconds since it was last pushed. */
  readonly age: number;
}

async function collectRepository(
  store: Store,
  name: RepositoryName,
  { policy, dryRun = false, report }: CollectOptions,
): Promise<void> {
  const images = new Map<string, Image>();
  for await (const { digest, content } of manifestsOf(store, name)) {
    // What a damaged manifest refers to is not known, so that nothing of its repository is garbage for certain.
    if (content === undefined) return;
    images.set(digest.text, { digest, content, age: await ageOf(store, store.layout.manifest(name, digest)) });
  }
  const tags = await tagsByDigest(store, name);
  const kept = whatStays(store, name, { images, tags, policy });

  const going = [...images.values()].filter(({ digest }) => !kept.has(digest.text));
  // An index goes before what it lists, so that no index is left without its images.
  for (const { digest, content } of going.sort((a, b) => b.content.children.length - a.content.children.length)) {
    const { size } = (await ifThere(stat(store.layout.manifest(name, digest)))) ?? { size: 0 };
    const removed =
      dryRun || (await unlessRecent(store, name, digest, () => removeImage(store, name, digest, content)));
    if (removed) report?.({ kind: "image", repository: name, digest: digest.text, bytes: size });
    else kept.add(digest.text);
  }

  const needed = new Set<string>();
  for (const digest of kept) for (const blob of images.get(digest)?.content.blobs ?? []) needed.add(blob.digest.text);
  for (const digest of await digestsIn(store.layout.ownBlobs(name))) {
    if (needed.has(digest.text) || store.recent.has(name, digest)) continue;
    const file = store.layout.blob(name, digest);
    if ((await ageOf(store, file)) < blobGraceMs) continue;
    // Two names are left of data that only this repository has: its own, and the shared one.
    const { size, nlink } = (await ifThere(stat(file))) ?? { size: 0, nlink: 0 };
    const removed = dryRun || (await unlessRecent(store, name, digest, () => removeBlob(store, name, digest)));
    if (removed) report?.({ kind: "blob", repository: name, digest: digest.text, bytes: nlink <= 2 ? size : 0 });
  }
}

/** Returns the digests of the images that stay: those with a reason of their own, what they list, and what refers to them. */
function whatStays(
  store: Store,
  name: RepositoryName,
  {
    images,
    tags,
    policy,
  }: { images: ReadonlyMap<string, Image>; tags: ReadonlyMap<string, unknown>; policy: CollectPolicy },
): Set<string> {
  const referrers = new Map<string, string[]>();
  const listed = new Set<string>();
  for (const { digest, content } of images.values()) {
    for (const child of content.children) listed.add(child.text);
    const subject = content.subject?.text;
    if (subject === undefined) continue;
    referrers.set(subject, [...(referrers.get(subject) ?? []), digest.text]);
    if (images.has(subject)) listed.add(digest.text);
  }
  const untagged = [...images.values()]
    .filter(({ digest: { text } }) => !tags.has(text) && !listed.has(text) && text !== repositoryMarker.manifest.digest)
    .sort((a, b) => a.age - b.age);
  const last = new Set(untagged.slice(0, policy.keepLast).map(({ digest }) => digest.text));

  const kept = new Set<string>();
  const keep = (text: string): void => {
    const image = images.get(text);
    if (image === undefined || kept.has(text)) return;
    kept.add(text);
    for (const child of image.content.children) keep(child.text);
    for (const referrer of referrers.get(text) ?? []) keep(referrer);
  };
  for (const { digest, age } of images.values()) {
    const { text } = digest;
    // The marker makes an empty repository exist.
    const stays = tags.has(text) || last.has(text) || text === repositoryMarker.manifest.digest;
    if (stays || age < policy.untaggedMs || store.recent.has(name, digest)) keep(text);
  }
  return kept;
}

/** Returns the milliseconds since the file was written, or 0 for one that is gone, or comes from the future. */
async function ageOf(store: Store, file: string): Promise<number> {
  const stats = await ifThere(stat(file));
  return stats === undefined ? 0 : Math.max(0, store.clock().getTime() - stats.mtimeMs);
}

/** Runs the removal under the repository's lock, unless a request has pushed it or asked for it meanwhile. */
function unlessRecent(
  store: Store,
  name: RepositoryName,
  digest: Digest,
  remove: () => Promise<boolean>,
): Promise<boolean> {
  return change(store, name, "exclusive", () => store.recent.removeUnlessNoted(name, digest, remove));
}

async function removeImage(
  store: Store,
  name: RepositoryName,
  digest: Digest,
  { subject }: ManifestContent,
): Promise<boolean> {
  const removed = await removeManifest(store, name, digest);
  if (subject !== undefined) await removeReferrer(store, name, { subject, digest });
  return removed;
}
