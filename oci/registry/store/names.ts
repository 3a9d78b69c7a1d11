/** The names that the specification allows, and the paths at which the store keeps what they name. */
import { join } from "node:path";

declare const brand: unique symbol;

/** A repository name that the specification's grammar allows, which makes it safe as a path. */
export type RepositoryName = string & { readonly [brand]: "RepositoryName" };
/** A tag that the specification's grammar allows. */
export type TagName = string & { readonly [brand]: "TagName" };

/** The digest algorithms that the registry knows. The specification requires sha256. */
export type DigestAlgorithm = "sha256" | "sha512";

/** A content digest: its algorithm, its lower-case hex, and both as the text `sha256:…`. */
export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
  readonly text: string;
}

/** Every {@link DigestAlgorithm}. */
export const digestAlgorithms: readonly DigestAlgorithm[] = ["sha256", "sha512"];
const hexLength = { sha256: 64, sha512: 128 } satisfies Record<DigestAlgorithm, number>;

// distribution-spec 1.1, "Pulling manifests". No component can be `_`, so the store's own folder has that name.
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const maxNameLength = 255;

/**
 * Returns the name, or undefined if a repository cannot have it (distribution-spec, "Pulling manifests").
 *
 * @example
 * parseRepositoryName("Team/App"); // undefined: a name has no capital letters
 */
export function parseRepositoryName(text: string): RepositoryName | undefined {
  if (text.length > maxNameLength) return undefined;
  return text.split("/").every((component) => componentPattern.test(component)) ? (text as RepositoryName) : undefined;
}

/** Returns the tag, or undefined if the grammar does not allow it (distribution-spec, "Pulling manifests"). */
export function parseTag(text: string): TagName | undefined {
  return tagPattern.test(text) ? (text as TagName) : undefined;
}

/** Names that Windows takes for devices, with any ending, and names that it cuts. */
const windowsRefuses = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)|\.$/;

/**
 * Returns the name of the file that keeps a tag. Disks may ignore the case of names, so it has none: the tag in lower case, then
 * `=` and, in hex, a number whose bit i says that the letter i is a capital one. A tag without capital letters is its own file,
 * unless Windows would not take the name.
 *
 * @example
 * fileOfTag("RC1"); // "rc1=3"
 */
export function fileOfTag(tag: TagName): string {
  const lower = tag.toLowerCase();
  let capitals = 0n;
  for (let i = 0; i < tag.length; i += 1) if (tag[i] !== lower[i]) capitals |= 1n << BigInt(i);
  return capitals === 0n && !windowsRefuses.test(lower) ? lower : `${lower}=${capitals.toString(16)}`;
}

/** Returns the tag that a file keeps, or undefined if {@link fileOfTag} gives no tag this name. */
export function tagOfFile(file: string): TagName | undefined {
  const [, lower, hex = "0"] = /^([^=]+)(?:=([0-9a-f]{1,32}))?$/.exec(file) ?? [];
  if (lower === undefined) return undefined;
  const capitals = BigInt(`0x${hex}`);
  const letters = [...lower].map((letter, i) => ((capitals >> BigInt(i)) & 1n ? letter.toUpperCase() : letter));
  const tag = parseTag(letters.join(""));
  return tag !== undefined && fileOfTag(tag) === file ? tag : undefined;
}

/** Returns the digest, or undefined if its algorithm is unknown, or the rest is not the lower-case hex of such a hash. */
export function parseDigest(text: string): Digest | undefined {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  if (algorithm !== "sha256" && algorithm !== "sha512") return undefined;
  if (hex.length !== hexLength[algorithm] || !/^[0-9a-f]+$/.test(hex)) return undefined;
  return { algorithm, hex, text };
}

/** Makes a digest from parts that are known to be right, such as a hash that was just computed. */
export function digestOf(algorithm: DigestAlgorithm, hex: string): Digest {
  return { algorithm, hex, text: `${algorithm}:${hex}` };
}

/** The path of everything below the data folder. docs/decisions/0004-registry-storage.md draws it and says why. */
export interface Layout {
  readonly root: string;
  readonly repositories: string;
  readonly blobs: string;
  /** Holds what is not complete yet: uploads, and manifests and tags before their rename. */
  readonly uploads: string;
  readonly trash: string;
  /** Holds files whose content was not what their digest says. */
  readonly quarantine: string;
  /** Names the owner of the folder. */
  readonly lock: string;
  /** An empty file that is never removed. The kernel's lock on it decides who owns the folder. */
  readonly kernelLock: string;
  /** Tells the version of the folder's form. */
  readonly format: string;
  repository(name: RepositoryName): string;
  created(name: RepositoryName): string;
  manifests(name: RepositoryName): string;
  manifest(name: RepositoryName, digest: Digest): string;
  ownBlobs(name: RepositoryName): string;
  blob(name: RepositoryName, digest: Digest): string;
  tags(name: RepositoryName): string;
  tag(name: RepositoryName, tag: TagName): string;
  referrers(name: RepositoryName, subject: Digest): string;
  referrer(name: RepositoryName, subject: Digest, digest: Digest): string;
  sharedBlob(digest: Digest): string;
  /** A note of how many bytes the digest's content has. */
  size(digest: Digest): string;
}

/** Holds a repository's own content, beside the folders of the repositories that are nested below it. */
export const contentFolder = "_";

/** Returns the paths below the data folder `root`. */
export function layoutOf(root: string): Layout {
  const repositories = join(root, "repositories");
  const blobs = join(root, "blobs");
  const repository = (name: RepositoryName) => `${repositories}/${name}/${contentFolder}`;
  const referrers = (name: RepositoryName, subject: Digest) =>
    `${repository(name)}/referrers/${subject.algorithm}/${subject.hex}`;
  return {
    root,
    repositories,
    blobs,
    uploads: join(root, "uploads"),
    trash: join(root, "trash"),
    quarantine: join(root, "quarantine"),
    lock: join(root, "lock"),
    kernelLock: join(root, "lock.db"),
    format: join(root, "format"),
    repository,
    created: (name) => `${repository(name)}/created`,
    manifests: (name) => `${repository(name)}/manifests`,
    manifest: (name, digest) => `${repository(name)}/manifests/${digest.algorithm}/${digest.hex}`,
    ownBlobs: (name) => `${repository(name)}/blobs`,
    blob: (name, digest) => `${repository(name)}/blobs/${digest.algorithm}/${digest.hex}`,
    tags: (name) => `${repository(name)}/tags`,
    tag: (name, tag) => `${repository(name)}/tags/${fileOfTag(tag)}`,
    referrers,
    referrer: (name, subject, digest) => `${referrers(name, subject)}/${digest.algorithm}-${digest.hex}`,
    sharedBlob: (digest) => `${blobs}/${digest.algorithm}/${digest.hex.slice(0, 2)}/${digest.hex}`,
    size: (digest) => `${root}/sizes/${digest.algorithm}/${digest.hex.slice(0, 2)}/${digest.hex}`,
  };
}
