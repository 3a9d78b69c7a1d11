/** The images of a repository, as its upkeep sees them. */
import { ifThere } from "../../files.ts";
import { type ManifestContent, parseManifest } from "../api/manifest-content.ts";
import { digestsIn } from "../store/listing.ts";
import { readManifestFile } from "../store/manifests.ts";
import type { Digest, RepositoryName } from "../store/names.ts";
import type { Store } from "../store/store.ts";
import { listTags, readTag } from "../store/tags.ts";

/** A manifest of a repository and what it refers to; without `content` where its file is damaged. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly content: ManifestContent | undefined;
}

/** Yields the manifests of a repository, one after the other. One that is deleted meanwhile is left out. */
export async function* manifestsOf(store: Store, name: RepositoryName): AsyncGenerator<StoredManifest> {
  for (const digest of await digestsIn(store.layout.manifests(name))) {
    // The inner promise tells a damaged manifest, the outer one a manifest that is gone.
    const read = await ifThere(readManifestFile(store, name, digest).then((manifest) => ({ manifest })));
    if (read === undefined) continue;
    const { manifest } = read;
    yield { digest, content: manifest && parseManifest(manifest.bytes, manifest.mediaType) };
  }
}

/** Returns the tags of each digest in a repository. */
export async function tagsByDigest(store: Store, name: RepositoryName): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>();
  for (const tag of await listTags(store, name)) {
    const digest = await readTag(store, name, tag);
    if (digest !== undefined) tags.set(digest.text, [...(tags.get(digest.text) ?? []), tag]);
  }
  return tags;
}
