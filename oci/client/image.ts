/** Whole images, made of a client's single requests, and the manifest that marks a repository as existing. */
import { type Descriptor, isIndex, ociEmpty, ociManifest } from "../media-types.ts";
import type { OciClient } from "./client.ts";
import { digestOf } from "./digest.ts";

/** An image in memory: its manifest, byte for byte, and every blob that the manifest names. */
export type Image = {
  readonly manifest: { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: string };
  readonly blobs: ReadonlyMap<string, Uint8Array>;
};

/** An image for several platforms: an index, and the images that it lists. */
export type ImageIndex = { readonly index: Image["manifest"]; readonly images: readonly Image[] };

/**
 * Pushes an image or a multi-platform image. The blobs go before the manifests, so that no manifest is ever without its
 * blobs. Blobs that the repository has already are not sent again. The manifests in an index are pushed by digest, and only
 * the index gets the `reference`.
 *
 * @throws OciError
 *
 * @example
 * const image = await pullImage(client, "team/app", "1.0");
 * await pushImage(client, "team/copy", "1.0", image);
 */
export async function pushImage(
  client: OciClient,
  repository: string,
  reference: string,
  image: Image | ImageIndex,
): Promise<{ digest: string }> {
  if ("index" in image) {
    for (const one of image.images) await pushImage(client, repository, one.manifest.digest, one);
    return client.pushManifest(repository, reference, image.index);
  }
  await Promise.all(
    [...image.blobs].map(async ([digest, body]) => {
      if ((await client.headBlob(repository, digest)) === undefined)
        await client.pushBlob(repository, { digest, body });
    }),
  );
  return client.pushManifest(repository, reference, image.manifest);
}

/**
 * Pulls a whole image, or a multi-platform image, into memory. It verifies every digest and every size.
 *
 * @throws OciError; Error for a wrong size, and for an index inside an index
 *
 * @example
 * const image = await pullImage(client, "team/app", "1.0");
 * const { digest } = "index" in image ? image.index : image.manifest;
 */
export async function pullImage(client: OciClient, repository: string, reference: string): Promise<Image | ImageIndex> {
  const manifest = await client.pullManifest(repository, reference);
  const content: unknown = JSON.parse(Buffer.from(manifest.bytes).toString("utf8"));
  if (!isIndex(manifest.mediaType)) return { manifest, blobs: await pullBlobs(client, repository, content) };
  const images: Image[] = [];
  for (const child of descriptors(content, "manifests")) {
    const image = await pullImage(client, repository, child.digest);
    if ("index" in image) throw new Error("The index lists another index, which cannot be pulled as one image.");
    expectSize(child, image.manifest.bytes);
    images.push(image);
  }
  return { index: manifest, images };
}

async function pullBlobs(client: OciClient, repository: string, content: unknown): Promise<Map<string, Uint8Array>> {
  const wanted = [...descriptors(content, "config"), ...descriptors(content, "layers")];
  const pulled = await Promise.all(
    wanted.map(async (one): Promise<[string, Uint8Array]> => {
      const bytes = await client.readBlob(repository, one.digest);
      expectSize(one, bytes);
      return [one.digest, bytes];
    }),
  );
  return new Map(pulled);
}

function expectSize(descriptor: Descriptor, bytes: Uint8Array): void {
  if (descriptor.size !== bytes.byteLength) {
    throw new Error(`${descriptor.digest} has ${bytes.byteLength} bytes, but the manifest says ${descriptor.size}.`);
  }
}

function descriptors(content: unknown, key: string): Descriptor[] {
  const value: unknown =
    typeof content === "object" && content !== null ? (content as Record<string, unknown>)[key] : [];
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]) as Descriptor[];
}

const markerConfig = Buffer.from("{}");

/**
 * The manifest that makes a repository exist. It is the same everywhere, so that a second push changes nothing. The OCI image
 * spec 1.1, "Guidelines for Artifact Usage", describes its form.
 */
const markerManifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    artifactType: "application/vnd.alien.artifact-registry.repository.v1",
    config: { mediaType: ociEmpty, digest: digestOf(markerConfig), size: markerConfig.byteLength },
    layers: [{ mediaType: ociEmpty, digest: digestOf(markerConfig), size: markerConfig.byteLength }],
  }),
);

/**
 * The marker manifest of a repository, the blob that it names, and its tag. Without a tag, garbage collectors take it for waste:
 * zot after its `gcDelay` (`pkg/retention/retention.go`, `HasDeleteUntagged`), Quay after an hour (`write_manifest_by_digest`,
 * `PUSH_TEMP_TAG_EXPIRATION_SEC`). A referrer would not help, since what it refers to has no tag either.
 */
export const repositoryMarker = {
  tag: "artifact-registry.repository",
  config: { bytes: markerConfig, digest: digestOf(markerConfig) },
  manifest: { bytes: markerManifest, digest: digestOf(markerManifest), mediaType: ociManifest },
} as const;
