/** What a manifest says, as far as the registry has to know it (image-spec, "Image Manifest" and "Image Index"). */
import { dockerList, dockerManifest, ociIndex, ociManifest } from "../../media-types.ts";
import { OciError } from "../respond.ts";
import { type Digest, parseDigest } from "../store/names.ts";

/** What the registry needs to know about a manifest's content. */
export interface ManifestContent {
  readonly mediaType: string;
  /** The config and the layers that must be in the repository, with the sizes that the manifest gives. */
  readonly blobs: readonly { readonly digest: Digest; readonly size: number | undefined }[];
  /** The manifests that an index lists; none for an image. */
  readonly children: readonly Digest[];
  readonly subject?: Digest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads a manifest (distribution-spec, "Pushing Manifests"). The children of an index are not looked for, because the
 * specification lets an index be pushed before them.
 *
 * @param contentType the header, which decides the type; without it, the manifest's `mediaType` does
 * @throws OciError 400 `MANIFEST_INVALID` if it is not JSON, is of another type than it says, or has a field that the image
 *   specification does not allow
 */
export function parseManifest(bytes: Buffer, contentType: string | undefined): ManifestContent {
  const manifest = parseObject(bytes);
  const mediaType = mediaTypeOf(manifest, contentType);
  const image = mediaType === ociManifest || mediaType === dockerManifest;
  // One document must not be an image to one client and an index to another (CVE-2021-41190).
  if (image ? "manifests" in manifest : "layers" in manifest || "config" in manifest) {
    throw invalid("A manifest is either an image or an index, not both.");
  }
  const children = image
    ? []
    : requireList(manifest, "manifests").map((child) => descriptor(child, "manifests").digest);
  const config = image ? descriptor(manifest.config, "config") : undefined;
  const layers = image ? requireList(manifest, "layers").map((layer) => descriptor(layer, "layers")) : [];
  const subject = isAbsent(manifest.subject) ? undefined : descriptor(manifest.subject, "subject").digest;
  // An empty type counts as missing ("Listing Referrers"). Then an image has its config's type, and an index has none.
  const artifactType = optionalString(manifest, "artifactType") || config?.mediaType;
  const annotations = annotationsOf(manifest);
  const stored = [...(config === undefined ? [] : [config]), ...layers].filter(({ elsewhere }) => !elsewhere);
  return {
    mediaType,
    children,
    blobs: [...new Map(stored.map(({ digest, size }) => [`${digest.text} ${size}`, { digest, size }])).values()],
    ...(subject === undefined ? {} : { subject }),
    ...(artifactType === undefined || artifactType === "" ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(bytes: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw invalid("The manifest is not JSON.");
  }
  if (!isObject(value)) throw invalid("The manifest is not a JSON object.");
  return value;
}

function mediaTypeOf(manifest: Fields, contentType: string | undefined): string {
  const inside = optionalString(manifest, "mediaType");
  const outside = contentType?.split(";")[0]?.trim().toLowerCase();
  const mediaType = outside === undefined || outside === "" ? inside : outside;
  if (mediaType === undefined) throw invalid("Neither Content-Type nor mediaType says what the manifest is.");
  if (inside !== undefined && inside !== mediaType) {
    throw invalid(`The manifest's mediaType is ${inside}, but its Content-Type is ${mediaType}.`);
  }
  if (![ociManifest, ociIndex, dockerManifest, dockerList].includes(mediaType)) {
    throw invalid(`The registry does not know manifests of the type ${mediaType}.`);
  }
  return mediaType;
}

function descriptor(
  value: unknown,
  field: string,
): { digest: Digest; size: number | undefined; mediaType: string | undefined; elsewhere: boolean } {
  const digest = isObject(value) && typeof value.digest === "string" ? parseDigest(value.digest) : undefined;
  if (!isObject(value) || digest === undefined) throw invalid(`${field}: a descriptor with a digest was expected.`);
  const mediaType = optionalString(value, "mediaType");
  // Clients fetch a layer that may not be redistributed from its own URLs.
  const foreign = mediaType !== undefined && /foreign|nondistributable/.test(mediaType);
  const size = typeof value.size === "number" ? value.size : undefined;
  return { digest, size, mediaType, elsewhere: foreign && Array.isArray(value.urls) && value.urls.length > 0 };
}

function requireList(fields: Fields, field: string): readonly unknown[] {
  // Go programs write an empty list as null.
  const value = fields[field] === null ? [] : fields[field];
  if (!Array.isArray(value)) throw invalid(`${field}: a list was expected.`);
  return value;
}

function optionalString(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  if (value !== undefined && typeof value !== "string") throw invalid(`${field}: a string was expected.`);
  return value;
}

function annotationsOf({ annotations }: Fields): Readonly<Record<string, string>> | undefined {
  if (isAbsent(annotations)) return undefined;
  if (!isObject(annotations) || !Object.values(annotations).every((value) => typeof value === "string")) {
    throw invalid("annotations: a map of strings was expected.");
  }
  return annotations as Readonly<Record<string, string>>;
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): OciError {
  return new OciError(400, "MANIFEST_INVALID", message);
}
