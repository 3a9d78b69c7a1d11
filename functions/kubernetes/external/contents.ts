import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isDigest, OciError } from "../../../oci/client/index.ts";
import { type ExternalContext, step } from "./context.ts";

/** A manifest, with what it points at. */
export interface StoredManifest {
  readonly digest: string;
  /** Manifests of an index. */
  readonly children: readonly string[];
  readonly blobs: readonly string[];
}

/** Reads a manifest; undefined where it is gone. */
export function readManifest(
  context: ExternalContext,
  name: RoutableName,
  reference: string,
  call: Call,
): Promise<StoredManifest | undefined> {
  return step(context, call, { what: "read manifest", as: "account" }, async (client) => {
    try {
      const { digest, bytes } = await client.pullManifest(name, reference);
      return { digest, ...pointedAt(bytes) };
    } catch (error) {
      if (error instanceof OciError && error.status === 404) return undefined;
      throw error;
    }
  });
}

/** The manifests that name this one as their subject: signatures, attestations. */
export function readReferrers(
  context: ExternalContext,
  name: RoutableName,
  digest: string,
  call: Call,
): Promise<string[]> {
  return step(context, call, { what: "list referrers", as: "account" }, async (client) =>
    (await client.referrers(name, digest)).map((each) => each.digest).filter(isDigest),
  );
}

/** What a manifest or an index points at; nothing that is not a digest ever becomes part of a path. */
function pointedAt(bytes: Uint8Array): Omit<StoredManifest, "digest"> {
  const content: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const blobs = [...digests(content, "config"), ...digests(content, "layers"), ...digests(content, "fsLayers")];
  return { children: digests(content, "manifests"), blobs: [...new Set(blobs)] };
}

function digests(content: unknown, key: string): string[] {
  if (typeof content !== "object" || content === null) return [];
  const value = (content as Record<string, unknown>)[key];
  return (Array.isArray(value) ? value : [value])
    .map((each: unknown) => (each as { digest?: unknown } | undefined | null)?.digest)
    .filter((digest): digest is string => typeof digest === "string" && isDigest(digest));
}
