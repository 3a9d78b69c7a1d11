declare const brand: unique symbol;

/** A repository name that the specification's grammar allows, and so one that is safe as a path. */
export type RepositoryName = string & { readonly [brand]: "RepositoryName" };
/** A tag that the specification's grammar allows. */
export type TagName = string & { readonly [brand]: "TagName" };

export type DigestAlgorithm = "sha256" | "sha512";

/** A content digest: its algorithm, its lower-case hex, and both as the text `sha256:…`. */
export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
  readonly text: string;
}

export const digestAlgorithms: readonly DigestAlgorithm[] = ["sha256", "sha512"];
const hexLength = { sha256: 64, sha512: 128 } satisfies Record<DigestAlgorithm, number>;

// distribution-spec 1.1, "Pulling manifests". No component can be `_`, which is why the store's own folder is called so.
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const maxNameLength = 255;

/** The name, or undefined where it is not one. */
export function parseRepositoryName(text: string): RepositoryName | undefined {
  if (text.length > maxNameLength) return undefined;
  return text.split("/").every((component) => componentPattern.test(component)) ? (text as RepositoryName) : undefined;
}

/** The tag, or undefined where it is not one. */
export function parseTag(text: string): TagName | undefined {
  return tagPattern.test(text) ? (text as TagName) : undefined;
}

/** The digest, or undefined where it is not one of a known algorithm, with its exact length. */
export function parseDigest(text: string): Digest | undefined {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  if (algorithm !== "sha256" && algorithm !== "sha512") return undefined;
  if (hex.length !== hexLength[algorithm] || !/^[0-9a-f]+$/.test(hex)) return undefined;
  return { algorithm, hex, text };
}

/** A digest from parts that are known to be right, as those of a hash just computed. */
export function digestOf(algorithm: DigestAlgorithm, hex: string): Digest {
  return { algorithm, hex, text: `${algorithm}:${hex}` };
}
