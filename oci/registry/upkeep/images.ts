/** The images of a repository, as its upkeep sees them. */
import { ifThere } from "../../files.ts";
import { type ManifestContent, parseManifest } from "../api/manifest-content.ts";
import { digestsIn } from "../store/listing.ts";
import { readManifestFile } from "../store/manifests.ts";
import type { Digest, RepositoryName } from "../store/names.ts";
import type { Store } from "../store/store.ts";

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
