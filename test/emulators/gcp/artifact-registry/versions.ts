/** Images: versions of a package by their digest, and the tags that name them. */
import { GcpError } from "../errors.ts";
import { type Call, type Message, type Method, pageOf, permit, text, timestamp } from "./method.ts";
import { EMPTY } from "./operations.ts";
import { mustHave, packageName } from "./packages.ts";
import {
  malformed,
  mustFind,
  type Package,
  parsePackageName,
  type Repository,
  resourceOf,
  type Version,
} from "./repository.ts";

/** "Will contain up to 100 tags that reference this version" (version.proto). */
const RELATED_TAGS = 100;

/** Without `FULL` there are neither tags nor metadata, as harsh as it may be: "Includes basic information about the version, but not any related tags". */
export const listVersions: Method = (call) => {
  const { repository, found } = packageIn(call, text(call.request, "parent"), "versions.list");
  const { items, next } = pageOf(call.request, [...found.versions.values()], ({ digest }) => digest);
  const full = text(call.request, "view") === "FULL";
  return { versions: items.map((one) => shownVersion(repository, found, one, full)), nextPageToken: next };
};

/** Deletes an image. "By default, a version that is tagged may not be deleted. If force=true, the version and any tags pointing to the version are deleted." */
export const deleteVersion: Method = (call) => {
  const { name, id: digest } = split(text(call.request, "name"), "versions");
  const { repository, found } = packageIn(call, name, "versions.delete");
  const force = call.request.force === true;
  // Nobody has seen that this is asked for the tags: it is as harsh as it may be.
  if (force) permit(call, "tags.delete", resourceOf(call.world, repository));
  if (!found.versions.has(digest)) throw new GcpError("NOT_FOUND", `Version "${digest}" not found.`);
  refuse(repository, found, digest, force);
  return call.operations.start(call, `projects/${repository.project}/locations/${repository.location}`, async () => {
    await call.world.dataPlane?.deleteManifest(repository, found, digest);
    return EMPTY;
  });
};

export const listTags: Method = (call) => {
  const { repository, found } = packageIn(call, text(call.request, "parent"), "tags.list");
  const filter = text(call.request, "filter");
  const [, field, value] = /^(name|version)="([^"*]+)"$/.exec(filter) ?? [];
  if (filter !== "" && field === undefined) {
    throw new GcpError("INVALID_ARGUMENT", `The emulator does not know the filter ${JSON.stringify(filter)}.`);
  }
  const all = [...found.tags.keys()].map((tag) => shownTag(repository, found, tag));
  const kept = all.filter((one) => field === undefined || one[field as "name" | "version"] === value);
  const { items, next } = pageOf(call.request, kept, ({ name }) => name);
  return { tags: items, nextPageToken: next };
};

/** Deletes a tag alone, at once. */
export const deleteTag: Method = async (call) => {
  const { name, id: tag } = split(text(call.request, "name"), "tags");
  const { repository, found } = packageIn(call, name, "tags.delete");
  if (!found.tags.has(tag)) throw new GcpError("NOT_FOUND", `Tag "${tag}" not found.`);
  refuse(repository, found, tag, true);
  await call.world.dataPlane?.deleteManifest(repository, found, tag);
  return {};
};

/**
 * Why Google deletes a manifest, or a tag, not.
 *
 * - An image stays that an index holds, tagged or not: `FAILED_PRECONDITION`, "manifest is referenced by parent manifests" as others
 *   have published it; over the registry's protocol `GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE` (GoogleCloudPlatform/gcr-cleaner#118).
 * - Immutable tags are not "modified, moved or deleted" (repository.proto).
 */
export function refusalOfDeletion(
  { immutableTags }: Repository,
  { versions, tags }: Package,
  reference: string,
  force: boolean,
): { readonly message: string; readonly registryCode: string } | undefined {
  const named = tags.has(reference)
    ? [reference]
    : [...tags].flatMap(([tag, digest]) => (digest === reference ? [tag] : []));
  const parents = [...versions.values()].filter(({ children }) => children.includes(reference));
  if (parents.length > 0) {
    const message = `manifest is referenced by parent manifests: ${parents.map(({ digest }) => digest).join(", ")}`;
    return { message, registryCode: "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE" };
  }
  if (immutableTags && named.length > 0) {
    return { message: "The repository has enabled tag immutability.", registryCode: "UNSUPPORTED" };
  }
  if (!force && named.length > 0 && !tags.has(reference)) {
    return {
      message: `Manifest is still referenced by tag: ${named[0]}`,
      registryCode: "GOOGLE_MANIFEST_DANGLING_TAG",
    };
  }
  return undefined;
}

/** A whole package goes in no better order than its images: while one of them holds another, nothing is deleted, as others have published it. */
export function refuseHeldPackage({ versions }: Package): void {
  const held = [...versions.values()].find(({ children }) => children.some((digest) => versions.has(digest)));
  if (held === undefined) return;
  throw new GcpError("FAILED_PRECONDITION", `manifest is referenced by parent manifests: ${held.digest}`);
}

function refuse(repository: Repository, found: Package, reference: string, force: boolean): void {
  const refusal = refusalOfDeletion(repository, found, reference, force);
  if (refusal !== undefined) throw new GcpError("FAILED_PRECONDITION", refusal.message);
}

function packageIn(call: Call, name: string, permission: string): { repository: Repository; found: Package } {
  const { repository: at, path } = parsePackageName(name);
  permit(call, permission, resourceOf(call.world, at));
  const repository = mustFind(call.world, at);
  return { repository, found: mustHave(repository, path) };
}

/** `{package}/versions/{digest}` or `{package}/tags/{tag}`. @throws INVALID_ARGUMENT */
function split(full: string, kind: "versions" | "tags"): { readonly name: string; readonly id: string } {
  const [, name, id] = new RegExp(`^(.+)/${kind}/([A-Za-z0-9._~:@-]+)$`).exec(full) ?? [];
  if (name === undefined || id === undefined) throw malformed(full);
  return { name, id };
}

function shownTag({ name }: Repository, { path, tags }: Package, tag: string): { name: string; version: string } {
  const parent = packageName(name, path);
  return { name: `${parent}/tags/${tag}`, version: `${parent}/versions/${tags.get(tag)}` };
}

function shownVersion(repository: Repository, found: Package, version: Version, full: boolean): Message {
  const { digest, mediaType, sizeBytes, createTime, updateTime } = version;
  const name = `${packageName(repository.name, found.path)}/versions/${digest}`;
  const times = { createTime: timestamp(createTime), updateTime: timestamp(updateTime) };
  if (!full) return { name, ...times };
  const tags = [...found.tags].flatMap(([tag, of]) => (of === digest ? [shownTag(repository, found, tag)] : []));
  // A DockerImage as a `google.protobuf.Struct`, in which a 64-bit number is a text.
  const metadata = { imageSizeBytes: String(sizeBytes), mediaType };
  const fields = Object.fromEntries(Object.entries(metadata).map(([key, stringValue]) => [key, { stringValue }]));
  return { name, ...times, relatedTags: tags.slice(0, RELATED_TAGS), metadata: { fields } };
}
