/**
 * Writes a small but real image as an OCI layout, for walks with other clients:
 * `npm run sample-image -- [folder, or file that ends with .tar]` (default `my-image`).
 */
import { createLayout, sampleImage } from "../oci/client/layout/index.ts";

const path = process.argv[2] ?? "my-image";
const { manifest, blobs } = sampleImage();
const target = await createLayout(path);
try {
  for (const [digest, bytes] of [...blobs, [manifest.digest, manifest.bytes] as const]) {
    await target.write({ mediaType: "", digest, size: bytes.byteLength }, ReadableStream.from([bytes]));
  }
  await target.finish({ ...manifest, size: manifest.bytes.byteLength });
} finally {
  await target.close();
}
console.log(`${path}: one image, ${manifest.digest}`);
