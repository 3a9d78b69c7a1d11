/**
 * Writes a small but real image as an OCI layout, so that the README's walk needs no other registry:
 * `npm run sample-image -- [folder]` (default `my-image`).
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { writeWholeFile } from "../core/whole-file.ts";

const layout = process.argv[2] ?? "my-image";
const blobs = join(layout, "blobs", "sha256");

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function store(mediaType: string, bytes: Buffer): Promise<Descriptor> {
  const digest = sha256(bytes);
  await writeWholeFile(join(blobs, digest.slice("sha256:".length)), bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function layerTar(): Promise<Buffer> {
  const root = await mkdtemp(join(tmpdir(), "sample-image-"));
  try {
    await writeFile(join(root, "hello.txt"), "Hello from a registry of your own.\n");
    return execFileSync("tar", ["-cf", "-", "-C", root, "hello.txt"]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

await mkdir(blobs, { recursive: true });
const tar = await layerTar();
const layer = await store("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(tar));
const config = await store(
  "application/vnd.oci.image.config.v1+json",
  json({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Cmd: ["cat", "/hello.txt"] },
    rootfs: { type: "layers", diff_ids: [sha256(tar)] },
  }),
);
const manifest = await store(
  "application/vnd.oci.image.manifest.v1+json",
  json({ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config, layers: [layer] }),
);
await writeWholeFile(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
await writeWholeFile(join(layout, "index.json"), json({ schemaVersion: 2, manifests: [manifest] }));
console.log(`${layout}: one image, ${manifest.digest}`);
