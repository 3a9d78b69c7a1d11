import { type Descriptor, isIndex, ociEmpty, ociManifest } from "../media-types.ts";
import type { OciClient } from "./client.ts";
import { digestOf } from "./digest.ts";

/** An image in memory: its manifest as it is stored, and every blob that the manifest names. */
export type Image = {
  readonly manifest: { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: string };
  readonly blobs: ReadonlyMap<string, Uint8Array>;
};

/** An image of several platforms: an index and the images that it lists. */
export type ImageIndex = { readonly index: Image["manifest"]; readonly images: readonly Image[] };

/**
 * Pushes an image or a multi-platform image, blobs before manifests, so that no manifest is ever without its blobs.
 * The manifests of an index go by digest; only the outermost one gets the `reference`.
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

/** Pulls an image or a multi-platform image whole, into memory; every digest and every size on the way is verified. */
export async function pullImage(client: OciClient, repository: string, reference: string): Promise<Image | ImageIndex> {
  const manifest = await client.pullManifest(repository, reference);
  const content: unknown = JSON.parse(Buffer.from(manifest.bytes).toString("utf8"));
  if (!isIndex(manifest.mediaType)) return { manifest, blobs: await pullBlobs(client, repository, content) };
  const images: Image[] = [];
  for (const child of descriptors(content, "manifests")) {
    const image = await pullImage(client, repository, child.digest);
    if ("index" in image) throw new Error("an index inside an index");
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
    throw new Error(`${descriptor.digest} is ${bytes.byteLength} bytes, the manifest says ${descriptor.size}`);
  }
}

function descriptors(content: unknown, key: string): Descriptor[] {
  const value: unknown =
    typeof content === "object" && content !== null ? (content as Record<string, unknown>)[key] : [];
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]) as Descriptor[];
}

const config = Buffer.from("{}");

/**
 * The manifest whose presence makes a repository exist. It is pushed by digest, so that it touches no tag, and is the
 * same everywhere, so that pushing it again changes nothing. Form: OCI image spec 1.1, "Guidelines for Artifact Usage".
 */
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    artifactType: "application/vnd.alien.artifact-registry.repository.v1",
    config: { mediaType: ociEmpty, digest: digestOf(config), size: config.byteLength },
    layers: [{ mediaType: ociEmpty, digest: digestOf(config), size: config.byteLength }],
  }),
);

export const repositoryMarker = {
  config: { bytes: config, digest: digestOf(config) },
  manifest: { bytes: manifest, digest: digestOf(manifest), mediaType: ociManifest },
} as const;
