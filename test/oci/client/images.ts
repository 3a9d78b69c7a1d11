import { createCipheriv, createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  type Descriptor,
  digestOf,
  type Image,
  type ImageIndex,
  ociConfig,
  ociIndex,
  ociLayerGzip,
  ociManifest,
} from "../../../oci/client/index.ts";

/** `size` bytes that look random and are the same for the same seed. */
export function seededBytes(seed: string, size: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(size));
}

export type ImageShape = {
  /** Same seed, same image, to the byte. */
  readonly seed: string;
  /** One layer for each size, in bytes before compression. */
  readonly layers?: readonly number[];
  readonly architecture?: "amd64" | "arm64";
  readonly subject?: Descriptor;
  readonly artifactType?: string;
};

/** A real image: each layer is a gzipped tar with one file, and the config names their uncompressed digests. */
export function buildImage(shape: ImageShape): Image {
  const { seed, layers = [1024], architecture = "amd64", subject, artifactType } = shape;
  const blobs = new Map<string, Uint8Array>();
  const store = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  };
  const tars = layers.map((size, i) => tar(`layer-${i}.bin`, seededBytes(`${seed}/${architecture}/${i}`, size)));
  const config = store(
    ociConfig,
    json({
      architecture,
      os: "linux",
      created: "1970-01-01T00:00:00Z",
      config: { Labels: { seed } },
      rootfs: { type: "layers", diff_ids: tars.map((one) => digestOf(one)) },
      history: tars.map((_, i) => ({ created: "1970-01-01T00:00:00Z", created_by: `layer ${i}` })),
    }),
  );
  const bytes = json({
    schemaVersion: 2,
    mediaType: ociManifest,
    ...(artifactType === undefined ? {} : { artifactType }),
    config,
    layers: tars.map((one) => store(ociLayerGzip, gzipSync(one, { level: 1 }))),
    ...(subject === undefined ? {} : { subject }),
  });
  return { manifest: { bytes, mediaType: ociManifest, digest: digestOf(bytes) }, blobs };
}

/** One image for amd64 and one for arm64 under one index. */
export function buildIndex(shape: Omit<ImageShape, "architecture">): ImageIndex {
  const architectures = ["amd64", "arm64"] as const;
  const images = architectures.map((architecture) => buildImage({ ...shape, architecture }));
  const bytes = json({
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: images.map((image, i) => ({
      ...descriptorOf(image),
      platform: { architecture: architectures[i], os: "linux" },
    })),
  });
  return { index: { bytes, mediaType: ociIndex, digest: digestOf(bytes) }, images };
}

/** What another manifest writes to point at this image, for example as its `subject`. */
export function descriptorOf({ manifest }: Image): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.byteLength };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}

/** A tar archive (ustar) with one regular file, owned by root, of no time. */
function tar(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, "utf8");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.byteLength.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.byteLength % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}
