import type { Manifest, Registry, Repository, Tag } from "./registry.ts";

/** What people may do with a repository, whatever their rights: locks. */
export const UNLOCKED = { deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true };
export type Lock = keyof typeof UNLOCKED;

/** Notes a manifest that was pushed, by its digest and under its tag. */
export function noteManifest(
  registry: Registry,
  name: string,
  now: Date,
  pushed: {
    readonly digest: string;
    readonly tag: string | undefined;
    readonly mediaType: string;
    readonly size: number;
  },
): void {
  const { digest, tag, mediaType, size } = pushed;
  const repository: Repository = registry.repositories.get(name) ?? {
    name,
    createdTime: now,
    lastUpdateTime: now,
    manifests: new Map(),
    tags: new Map(),
    locks: { ...UNLOCKED },
  };
  registry.repositories.set(name, repository);
  repository.lastUpdateTime = now;
  const manifest = repository.manifests.get(digest) ?? {
    digest,
    mediaType,
    size,
    createdTime: now,
    lastUpdateTime: now,
  };
  manifest.lastUpdateTime = now;
  repository.manifests.set(digest, manifest);
  if (tag === undefined) return;
  const known = repository.tags.get(tag) ?? { name: tag, digest, createdTime: now, lastUpdateTime: now };
  known.digest = digest;
  known.lastUpdateTime = now;
  repository.tags.set(tag, known);
}

/** Forgets what was deleted: a manifest by its digest, with its tags, or a tag alone. */
export function forget(repository: Repository, reference: string, now: Date): void {
  repository.lastUpdateTime = now;
  if (repository.tags.delete(reference)) return;
  repository.manifests.delete(reference);
  for (const { name, digest } of [...repository.tags.values()]) {
    if (digest === reference) repository.tags.delete(name);
  }
}

/** As Azure writes a moment: to seven digits of a second (the examples of Azure.ContainerRegistry 2021-07-01). */
const shownTime = (time: Date): string => time.toISOString().replace("Z", "4711Z");

export function shownRepository({ loginServer }: Registry, repository: Repository): object {
  return {
    registry: loginServer,
    imageName: repository.name,
    createdTime: shownTime(repository.createdTime),
    lastUpdateTime: shownTime(repository.lastUpdateTime),
    manifestCount: repository.manifests.size,
    tagCount: repository.tags.size,
    changeableAttributes: repository.locks,
  };
}

export function shownTag({ name, digest, createdTime, lastUpdateTime }: Tag): object {
  const times = { createdTime: shownTime(createdTime), lastUpdateTime: shownTime(lastUpdateTime) };
  return { name, digest, ...times, signed: false, changeableAttributes: UNLOCKED };
}

export function shownManifest({ tags }: Repository, manifest: Manifest): object {
  const { digest, size, mediaType, createdTime, lastUpdateTime } = manifest;
  const named = [...tags.values()].filter((tag) => tag.digest === digest).map(({ name }) => name);
  return {
    digest,
    imageSize: size,
    createdTime: shownTime(createdTime),
    lastUpdateTime: shownTime(lastUpdateTime),
    mediaType,
    // What is untagged has no such member.
    ...(named.length > 0 && { tags: named }),
    changeableAttributes: UNLOCKED,
  };
}
