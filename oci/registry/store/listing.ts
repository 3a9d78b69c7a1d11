/** What a data folder holds, by its names alone. */
import { readdir } from "node:fs/promises";
import { ifThere, namesIn } from "../../files.ts";
import {
  contentFolder,
  type Digest,
  digestAlgorithms,
  type Layout,
  parseDigest,
  parseRepositoryName,
  type RepositoryName,
} from "./names.ts";

/** Returns every repository that something was pushed to, in lexical order, also those that hold no manifest. */
export async function allRepositories(layout: Layout): Promise<RepositoryName[]> {
  const all: RepositoryName[] = [];
  await collect(layout, "", all);
  return all.sort();
}

async function collect(layout: Layout, prefix: string, found: RepositoryName[]): Promise<void> {
  const entries = (await ifThere(readdir(`${layout.repositories}/${prefix}`))) ?? [];
  for (const entry of entries) {
    const name = entry === contentFolder ? parseRepositoryName(prefix.slice(0, -1)) : undefined;
    if (name !== undefined) found.push(name);
    else await collect(layout, `${prefix}${entry}/`, found);
  }
}

/** Returns the digests that a repository's folder of blobs, or of manifests, has files of. */
export async function digestsIn(folder: string): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const algorithm of digestAlgorithms) {
    for (const hex of await namesIn(`${folder}/${algorithm}`)) {
      const digest = parseDigest(`${algorithm}:${hex}`);
      if (digest !== undefined) found.push(digest);
    }
  }
  return found;
}
