import { createHash, randomBytes } from "node:crypto";

export const ALGORITHMS = ["sha256", "sha512"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export const TYPES = {
  image: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  gzipLayer: "application/vnd.oci.image.layer.v1.tar+gzip",
  foreignLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar",
  empty: "application/vnd.oci.empty.v1+json",
  dockerImage: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  artifact: "application/vnd.example.sbom.v1",
  otherArtifact: "application/vnd.example.signature.v1",
} as const;

export function digest(bytes: Buffer, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Bytes that no other run has pushed. */
export function fresh(size = 1024): Buffer {
  return randomBytes(size);
}

/** The digest of nothing that was ever pushed. */
export function unknownDigest(algorithm: Algorithm = "sha256"): string {
  return digest(fresh(32), algorithm);
}

export function nonce(): string {
  return randomBytes(6).toString("hex");
}

export type Descriptor = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [field: string]: unknown;
};

export function descriptor(mediaType: string, bytes: Buffer, algorithm: Algorithm = "sha256"): Descriptor {
  return { mediaType, digest: digest(bytes, algorithm), size: bytes.length };
}

/** A manifest, the blobs that it is made of, and the manifests that come before it. */
export type Content = {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly algorithm: Algorithm;
  readonly blobs: readonly Buffer[];
  readonly children: readonly Content[];
};

export function digestOf(content: Content): string {
  return digest(content.bytes, content.algorithm);
}

export function describe(content: Content): Descriptor {
  return descriptor(content.mediaType, content.bytes, content.algorithm);
}

export type ImageOptions = {
  readonly algorithm?: Algorithm;
  readonly mediaType?: string;
  readonly configType?: string;
  readonly config?: Buffer;
  readonly layers?: readonly Buffer[];
  readonly layerType?: string;
  /** Further fields; `undefined` leaves one out. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly indent?: number;
};

export function image(options: ImageOptions = {}): Content {
  const { algorithm = "sha256", mediaType = TYPES.image, configType = TYPES.config, layerType = TYPES.layer } = options;
  const { config = Buffer.from(JSON.stringify({ os: "linux", nonce: nonce() })), layers = [fresh(), fresh()] } =
    options;
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: descriptor(configType, config, algorithm),
    layers: layers.map((layer) => descriptor(layerType, layer, algorithm)),
    ...options.fields,
  };
  const bytes = Buffer.from(JSON.stringify(manifest, undefined, options.indent));
  return { bytes, mediaType, algorithm, blobs: [config, ...layers], children: [] };
}

/** An artifact as the image specification advises it: the empty descriptor for what it does not need. */
export function artifact(artifactType: string, options: ImageOptions = {}): Content {
  const config = { config: Buffer.from("{}"), configType: TYPES.empty };
  const fields = { artifactType, annotations: { "org.example.nonce": nonce() }, ...options.fields };
  return image({ layers: [fresh()], layerType: artifactType, ...config, ...options, fields });
}

export type IndexOptions = {
  readonly algorithm?: Algorithm;
  readonly mediaType?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
};

export function index(children: readonly Content[], options: IndexOptions = {}): Content {
  const { algorithm = "sha256", mediaType = TYPES.index } = options;
  const manifests = children.map((child, at) => ({
    ...describe(child),
    platform: { os: "linux", architecture: at === 0 ? "amd64" : "arm64" },
  }));
  // An annotation makes an empty index unlike any other.
  const annotations = mediaType === TYPES.index ? { annotations: { "org.example.nonce": nonce() } } : {};
  const manifest = { schemaVersion: 2, mediaType, manifests, ...annotations, ...options.fields };
  return { bytes: Buffer.from(JSON.stringify(manifest)), mediaType, algorithm, blobs: [], children };
}
