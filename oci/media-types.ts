/** The media types of the OCI image specification and their Docker predecessors, and what has such a type. */
export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";
export const ociConfig = "application/vnd.oci.image.config.v1+json";
export const ociLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
export const ociEmpty = "application/vnd.oci.empty.v1+json";
export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
export const dockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

/** Every type of manifest that the client understands. A registry answers 404 for a manifest whose type is not asked for. */
export const manifestTypes = [ociIndex, ociManifest, dockerList, dockerManifest] as const;

/** An OCI content descriptor: what a manifest says about a blob or a manifest that it refers to. */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
};

/** Whether a manifest of this type lists other manifests, as one for several platforms does. */
export function isIndex(mediaType: string): boolean {
  return mediaType === ociIndex || mediaType === dockerList;
}
