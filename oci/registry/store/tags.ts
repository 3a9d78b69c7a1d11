/** The tags of a repository: each is a file that holds a digest. */
import { readFile, unlink } from "node:fs/promises";
import { ifThere, namesIn } from "../../files.ts";
import { type Digest, parseDigest, type RepositoryName, type TagName, tagOfFile } from "./names.ts";
import type { Store } from "./store.ts";

const key = (name: RepositoryName, tag: TagName) => `${name}\n${tag}`;

/** Returns the digest that the tag points to, or undefined if there is no such tag. */
export async function readTag(store: Store, name: RepositoryName, tag: TagName): Promise<Digest | undefined> {
  const known = store.cache.tags.get(key(name, tag));
  if (known !== undefined) return parseDigest(known);
  const { generation } = store.cache;
  const text = await ifThere(readFile(store.layout.tag(name, tag), "utf8"));
  if (text !== undefined && generation === store.cache.generation)
    store.cache.tags.set(key(name, tag), text, { size: 1 });
  return text === undefined ? undefined : parseDigest(text);
}

/** Points the tag to a manifest, which must be durable. The caller holds the repository's lock, exclusively. */
export async function writeTag(store: Store, name: RepositoryName, tag: TagName, digest: Digest): Promise<void> {
  await store.durable.ensureFolder(store.layout.tags(name));
  try {
    await store.durable.writeFile(store.layout.tag(name, tag), Buffer.from(digest.text));
  } finally {
    forget(store, name, tag);
  }
}

/** Removes a tag durably. Returns false if it was not there. The caller holds the repository's lock, exclusively. */
export async function removeTag(store: Store, name: RepositoryName, tag: TagName): Promise<boolean> {
  const removed = await ifThere(unlink(store.layout.tag(name, tag)).then(() => true));
  forget(store, name, tag);
  if (removed === undefined) return false;
  await store.durable.syncFolder(store.layout.tags(name));
  return true;
}

/** Returns all tags, in lexical order. */
export async function listTags(store: Store, name: RepositoryName): Promise<TagName[]> {
  const tags = (await namesIn(store.layout.tags(name))).map(tagOfFile);
  return tags.filter((tag) => tag !== undefined).sort();
}

/** Returns the tags that point to this manifest, in lexical order. */
export async function tagsOf(store: Store, name: RepositoryName, digest: Digest): Promise<TagName[]> {
  const found: TagName[] = [];
  for (const tag of await listTags(store, name)) {
    if ((await readTag(store, name, tag))?.text === digest.text) found.push(tag);
  }
  return found;
}

/** Returns the tags of each digest in a repository. */
export async function tagsByDigest(store: Store, name: RepositoryName): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>();
  for (const tag of await listTags(store, name)) {
    const digest = await readTag(store, name, tag);
    if (digest !== undefined) tags.set(digest.text, [...(tags.get(digest.text) ?? []), tag]);
  }
  return tags;
}

function forget(store: Store, name: RepositoryName, tag: TagName): void {
  store.cache.generation += 1;
  store.cache.tags.delete(key(name, tag));
}
