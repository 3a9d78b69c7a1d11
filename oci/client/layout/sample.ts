import { ociConfig, ociManifest } from "../../media-types.ts";
import { digestOf } from "../digest.ts";
import type { Image } from "../image.ts";
import { padding, tarEnd, tarHeader } from "./tar.ts";

/** What the sample image holds, in `hello.txt`. */
const hello = Buffer.from("Hello from a registry of your own.\n");

/**
 * Makes a small but real image of one layer, for whoever has none at hand. It is the same every time.
 *
 * @param architecture as Go names it; by default that of this machine
 */
export function sampleImage(architecture = process.arch === "x64" ? "amd64" : process.arch): Image {
  const layer = Buffer.concat([
    tarHeader("hello.txt", hello.byteLength),
    hello,
    Buffer.alloc(padding(hello.byteLength)),
    tarEnd,
  ]);
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, bytes: Buffer) => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  };
  const config = add(
    ociConfig,
    Buffer.from(
      JSON.stringify({
        architecture,
        os: "linux",
        config: { Cmd: ["cat", "/hello.txt"] },
        rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      }),
    ),
  );
  const layers = [add("application/vnd.oci.image.layer.v1.tar", layer)];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers }));
  return { manifest: { bytes, mediaType: ociManifest, digest: digestOf(bytes) }, blobs };
}
