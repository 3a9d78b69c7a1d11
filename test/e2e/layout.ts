import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image, ImageIndex } from "../../oci/client/index.ts";

/** Writes an image as an OCI layout, the folder form that every client reads, under one tag. */
export async function writeLayout(folder: string, image: Image | ImageIndex, tag: string): Promise<void> {
  const blobs = join(folder, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const outer = "index" in image ? image.index : image.manifest;
  for (const [digest, bytes] of contents(image)) await writeFile(join(blobs, digest.slice(7)), bytes);
  await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(folder, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: outer.mediaType,
          digest: outer.digest,
          size: outer.bytes.byteLength,
          annotations: { "org.opencontainers.image.ref.name": tag },
        },
      ],
    }),
  );
}

/** Every digest that belongs to an image, outermost manifest included. */
export function digestsOf(image: Image | ImageIndex): string[] {
  return [...contents(image).keys()].sort();
}

/** The digests of a layout's blobs, from their bytes and not from their names. */
export async function digestsIn(folder: string): Promise<string[]> {
  const blobs = join(folder, "blobs", "sha256");
  const names = await readdir(blobs);
  const read = names.map(async (name) => {
    const digest = createHash("sha256")
      .update(await readFile(join(blobs, name)))
      .digest("hex");
    return `sha256:${digest}`;
  });
  return (await Promise.all(read)).sort();
}

function contents(image: Image | ImageIndex): Map<string, Uint8Array> {
  if ("index" in image) {
    return new Map([[image.index.digest, image.index.bytes], ...image.images.flatMap((one) => [...contents(one)])]);
  }
  return new Map([[image.manifest.digest, image.manifest.bytes], ...image.blobs]);
}
