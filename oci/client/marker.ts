import { digestOf } from "./digest.ts";
import { ociEmpty, ociManifest } from "./media-types.ts";

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
