import { join } from "node:path";
import type { Digest, RepositoryName, TagName } from "./names.ts";

/** Where everything is, below the data folder. docs/decisions tells why a blob in a repository is a hard link. */
export interface Layout {
  readonly root: string;
  readonly repositories: string;
  readonly blobs: string;
  /** Everything that is written aside: half uploads, and manifests and tags before their rename. */
  readonly uploads: string;
  readonly trash: string;
  /** Says who owns the folder. */
  readonly lock: string;
  /** Empty, and never removed: the kernel's lock on it is what counts. */
  readonly kernelLock: string;
  repository(name: RepositoryName): string;
  created(name: RepositoryName): string;
  manifests(name: RepositoryName): string;
  manifest(name: RepositoryName, digest: Digest): string;
  blob(name: RepositoryName, digest: Digest): string;
  tags(name: RepositoryName): string;
  tag(name: RepositoryName, tag: TagName): string;
  referrers(name: RepositoryName, subject: Digest): string;
  referrer(name: RepositoryName, subject: Digest, digest: Digest): string;
  sharedBlob(digest: Digest): string;
}

/** The folder that holds a repository's own content, beside the folders of repositories nested below it. */
export const contentFolder = "_";

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
    lock: join(root, "lock"),
    kernelLock: join(root, "lock.db"),
    repository,
    created: (name) => `${repository(name)}/created`,
    manifests: (name) => `${repository(name)}/manifests`,
    manifest: (name, digest) => `${repository(name)}/manifests/${digest.algorithm}/${digest.hex}`,
    blob: (name, digest) => `${repository(name)}/blobs/${digest.algorithm}/${digest.hex}`,
    tags: (name) => `${repository(name)}/tags`,
    tag: (name, tag) => `${repository(name)}/tags/${tag}`,
    referrers,
    referrer: (name, subject, digest) => `${referrers(name, subject)}/${digest.algorithm}-${digest.hex}`,
    sharedBlob: (digest) => `${blobs}/${digest.algorithm}/${digest.hex.slice(0, 2)}/${digest.hex}`,
  };
}
