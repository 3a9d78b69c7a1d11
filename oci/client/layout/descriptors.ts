/** Reads what manifests and indexes list. They come from elsewhere, so each field is checked. */
import { type Descriptor, isIndex, manifestTypes } from "../../media-types.ts";
import { isDigest } from "../digest.ts";
import { LayoutError } from "./error.ts";

/** @param what names the document in the error @throws LayoutError unless it is a JSON object */
export function parseObject(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The same sentence is for everything that is no object.
  }
  throw new LayoutError(`${what} is not a JSON object.`);
}

/** Returns one descriptor of a document, or a list of them. @throws LayoutError for what is no descriptor */
export function descriptorsIn(document: Readonly<Record<string, unknown>>, field: string): Descriptor[] {
  const value = document[field] ?? [];
  return (Array.isArray(value) ? value : [value]).map((each) => {
    const { mediaType, digest, size } = (each ?? {}) as Record<string, unknown>;
    const holds = typeof mediaType === "string" && typeof digest === "string" && isDigest(digest);
    if (holds && Number.isSafeInteger(size) && Number(size) >= 0) return each as Descriptor;
    throw new LayoutError(`"${field}" lists something without a media type, a sha256 or sha512 digest, and a size.`);
  });
}

/** What a manifest needs: other manifests if it is an index, else blobs. */
export interface Needs {
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
}

/**
 * Reads what a manifest needs. Layers that stay with their vendor (`urls`, as of Windows' base images) are not among it: no registry
 * has them.
 *
 * @throws LayoutError for a type of manifest that we do not know
 */
export function needsOf({ mediaType, digest }: Descriptor, bytes: Uint8Array): Needs {
  if (!(manifestTypes as readonly string[]).includes(mediaType)) {
    throw new LayoutError(`${digest} has the type "${mediaType.slice(0, 100)}", which is not that of an image.`);
  }
  const document = parseObject(bytes, `The manifest ${digest}`);
  if (isIndex(mediaType)) return { manifests: descriptorsIn(document, "manifests"), blobs: [] };
  const layers = descriptorsIn(document, "layers").filter((layer) => !/foreign|nondistributable/.test(layer.mediaType));
  return { manifests: [], blobs: [...descriptorsIn(document, "config"), ...layers] };
}
