import { readFile, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { ifThere, namesIn } from "./fs.ts";
import { type Digest, parseDigest, type RepositoryName } from "./names.ts";
import type { Store } from "./store.ts";

/** What a referrers list says of one manifest (distribution-spec 1.1, "Listing Referrers"). */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One place in a repository's index of referrers. */
export interface ReferrerEntry {
  readonly subject: Digest;
  readonly digest: Digest;
}

/** Notes a referrer, durably, before its manifest is written: readers pass over a note without a manifest. */
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

/** Removes a note after its manifest. */
export async function removeReferrer(
  store: Store,
  name: RepositoryName,
  { subject, digest }: ReferrerEntry,
): Promise<void> {
  const file = store.layout.referrer(name, subject, digest);
  if ((await ifThere(unlink(file).then(() => true))) !== undefined) await store.durable.syncFolder(dirname(file));
}

/** The descriptors of all manifests whose subject this is, in the order of their digests. */
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
