/** What the registry holds: image paths, which are Artifact Registry's packages, and images, which are versions of a package. */
import type { protos } from "@google-cloud/artifact-registry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { staleCursor } from "../../../core/pages.ts";
import type { ImageReference, Page, PageRequest } from "../../../core/registry.ts";
import type { Image } from "../../../core/registry-schemas.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { explainedRefusal, googleCode, googleMessage, grpcCode, undefinedIfNotFound } from "../errors.ts";
import { packageResource, registryHost } from "../place.ts";
import { endpointOf, rest } from "../rest.ts";
import { type GarContext, needsOf, type RpcMethod, rpc, translateRpcError } from "./context.ts";
import { runOperation } from "./operations.ts";
import { noRepository } from "./own-repository.ts";

type Version = protos.google.devtools.artifactregistry.v1.IVersion;
type Timestamp = protos.google.protobuf.ITimestamp;

const list = (action: string, permission: string): RpcMethod => ({
  action,
  permission: `artifactregistry.${permission}`,
  expected: [grpcCode.notFound, grpcCode.invalidArgument],
});
const listPackages = list("ListPackages", "packages.list");
const listVersions = list("ListVersions", "versions.list");
const listTags = list("ListTags", "tags.list");

/**
 * Tells of one repository. It exists from its first push on; before that, nothing is known of it but where to push.
 *
 * It is asked for by a plain HTTP request, because a pipeline that creates its repository needs no gRPC.
 */
export async function describeRepository(
  context: GarContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const path = context.names.imagePath(name);
  const about = { name, uri: `${registryHost(context.place)}/${name}` };
  if (path === "") return about;
  const method = { action: "GetPackage", permission: "artifactregistry.packages.get" };
  const endpoint = endpointOf(context.env, "ALIEN_GAR_REST_ENDPOINT", "artifactregistry.googleapis.com");
  const request = rest<{ readonly createTime?: unknown }>(context.identity, call, {
    what: `Artifact Registry ${method.action}`,
    url: `${endpoint}/v1/${packageResource(context.place, path)}`,
    needs: needsOf(context, method),
    expected: [grpcCode.notFound],
  });
  const found = await undefinedIfNotFound(request);
  if (found === undefined) return about;
  if (typeof found.createTime !== "string") {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "A package of Artifact Registry has no time.");
  }
  return { ...about, createdAt: new Date(found.createTime).toISOString() };
}

/** Lists the image paths to which something was pushed. */
export async function listRepositories(
  context: GarContext,
  { cursor, pageSize }: PageRequest,
  call: Call,
): Promise<Page<RepositoryResponse>> {
  const request = { parent: context.resource, pageSize, pageToken: cursor ?? "" };
  const listed = rpc(context, call, listPackages, async (client, options) => {
    const [packages, , page] = await client.listPackages(request, { ...options, autoPaginate: false });
    return { packages, next: page?.nextPageToken };
  });
  const { packages, next } = await listed.catch((error: unknown) => {
    if (googleCode(error) === grpcCode.notFound) throw noRepository(context, error);
    throw refusalOfPage(context, listPackages, cursor, error);
  });
  const items = packages.map(({ name, createTime }) => {
    const path = decodeURIComponent(/\/packages\/([^/]+)$/.exec(name ?? "")?.[1] ?? "");
    const routable = `${context.names.prefix}/${path}`;
    return { name: routable, uri: `${registryHost(context.place)}/${routable}`, ...at("createdAt", createTime) };
  });
  return { items, ...(next && { next }) };
}

/** Lists the images of an image path, also those without a tag. To one that was never pushed there are none. */
export async function listImages(
  context: GarContext,
  name: RoutableName,
  { cursor, pageSize }: PageRequest,
  call: Call,
): Promise<Page<Image>> {
  const path = context.names.imagePath(name);
  if (path === "") return { items: [] };
  const parent = packageResource(context.place, path);
  const request = { parent, pageSize, pageToken: cursor ?? "", view: "FULL" as const };
  const listed = rpc(context, call, listVersions, async (client, options) => {
    const [versions, , page] = await client.listVersions(request, { ...options, autoPaginate: false });
    return { versions, next: page?.nextPageToken };
  });
  const page = await undefinedIfNotFound(listed).catch((error: unknown) => {
    throw refusalOfPage(context, listVersions, cursor, error);
  });
  const { versions = [], next } = page ?? {};
  const items: Image[] = [];
  for (const version of versions) items.push(toImage(version, await tagsOf(context, parent, version, call)));
  return { items, ...(next && { next }) };
}

/** How many of its tags a version names (version.proto). */
const relatedTagsLimit = 100;

/** The tags of an image. Where it may have more than a version names, they are asked for. */
async function tagsOf(context: GarContext, parent: string, version: Version, call: Call): Promise<readonly string[]> {
  const related = version.relatedTags ?? [];
  if (related.length < relatedTagsLimit) return related.map(({ name }) => lastOf(name));
  const tags = new Set<string>();
  let pageToken = "";
  do {
    const request = { parent, filter: `version="${version.name}"`, pageSize: 1_000, pageToken };
    const listed = rpc(context, call, listTags, async (client, options) => {
      const [found, , page] = await client.listTags(request, { ...options, autoPaginate: false });
      return { found, next: page?.nextPageToken };
    });
    const page = await undefinedIfNotFound(listed).catch((error: unknown) => {
      throw refusalOfPage(context, listTags, undefined, error);
    });
    for (const { name } of page?.found ?? []) tags.add(lastOf(name));
    pageToken = page?.next ?? "";
  } while (pageToken !== "");
  return [...tags];
}

function toImage({ name, metadata, createTime }: Version, tags: readonly string[]): Image {
  const { mediaType, imageSizeBytes } = metadata?.fields ?? {};
  const size = Number(imageSizeBytes?.stringValue ?? imageSizeBytes?.numberValue ?? Number.NaN);
  return {
    digest: lastOf(name),
    tags: [...tags],
    ...(mediaType?.stringValue && { mediaType: mediaType.stringValue }),
    ...(Number.isSafeInteger(size) && { sizeBytes: size }),
    ...at("pushedAt", createTime),
  };
}

/** The id of a version or a tag, which is the last part of its name. */
function lastOf(name: string | null | undefined): string {
  return decodeURIComponent(name?.split("/").at(-1) ?? "");
}

/** A moment under this key; nothing where Google tells none. */
function at<Key extends string>(key: Key, time: Timestamp | null | undefined): Partial<Record<Key, string>> {
  if (time?.seconds === undefined || time.seconds === null) return {};
  const ms = Number(time.seconds) * 1_000 + Math.floor((time.nanos ?? 0) / 1_000_000);
  return { [key]: new Date(ms).toISOString() } as Record<Key, string>;
}

/** Google answers INVALID_ARGUMENT for a page that it no longer knows; a first page is refused for another reason. */
function refusalOfPage(context: GarContext, method: RpcMethod, cursor: string | undefined, error: unknown): unknown {
  const isRefused = googleCode(error) === grpcCode.invalidArgument;
  return cursor !== undefined && isRefused ? staleCursor() : translateRpcError(error, context, method);
}

/** The codes that a deletion handles itself. */
const ofDeletion = [grpcCode.notFound, grpcCode.failedPrecondition];
const deleteVersion = { action: "DeleteVersion", permission: "artifactregistry.versions.delete", expected: ofDeletion };
const deleteTag = { action: "DeleteTag", permission: "artifactregistry.tags.delete", expected: ofDeletion };
const removePackage = { action: "DeletePackage", permission: "artifactregistry.packages.delete", expected: ofDeletion };

/**
 * Deletes an image with its tags, or a tag alone, and waits until it is gone. Idempotent.
 *
 * @throws RESOURCE_CONFLICT for an image that an index holds, and where the repository's tags are immutable
 */
export async function deleteImage(
  context: GarContext,
  name: RoutableName,
  reference: ImageReference,
  call: Call,
): Promise<void> {
  const path = context.names.imagePath(name);
  if (path === "") return;
  const parent = packageResource(context.place, path);
  if ("digest" in reference) {
    if (await isHeld(deleteVersionOf(context, `${parent}/versions/${reference.digest}`, call))) {
      throw held(
        "An index holds this image.",
        "Delete the index first, by its digest: one without a tag counts as well.",
      );
    }
    return;
  }
  const request = { name: `${parent}/tags/${reference.tag}` };
  const deleted = rpc(context, call, deleteTag, async (client, options) => {
    await client.deleteTag(request, options);
  });
  await undefinedIfNotFound(deleted).catch((error: unknown) => {
    throw refusalOfDeletion(context, deleteTag, error);
  });
}

/**
 * Deletes exactly this image path with all its versions and tags, and waits until it is gone. Idempotent.
 *
 * Where an index holds other images, Google refuses the image path as a whole. The indexes are then deleted before it.
 *
 * @throws INVALID_INPUT for the bare prefix, which is the registry itself
 */
export async function deletePackage(context: GarContext, name: RoutableName, call: Call): Promise<void> {
  const path = context.names.imagePath(name);
  if (path === "") {
    throw invalidInput(`"${name}" is the registry itself, which deleteRepository does not delete.`, "repoId");
  }
  const request = { name: packageResource(context.place, path) };
  const remove = async () => {
    const removed = runOperation(context, call, removePackage, (client, options) =>
      client.deletePackage(request, options),
    );
    await undefinedIfNotFound(removed).catch((error: unknown) => {
      throw refusalOfDeletion(context, removePackage, error);
    });
  };
  let isStuck = false;
  while (await isHeld(remove())) {
    const deleted = await deleteIndexes(context, name, request.name, call);
    // The first time an index may have gone between the two requests: a call before this one may have begun to delete it.
    if (deleted === 0 && isStuck) throw heldByNone();
    isStuck = deleted === 0;
  }
}

/** Deletes the indexes of an image path. Those that another index holds stay until that is gone. @returns how many it deleted */
async function deleteIndexes(context: GarContext, name: RoutableName, parent: string, call: Call): Promise<number> {
  let deleted = 0;
  let cursor: string | undefined;
  do {
    const page = await listImages(context, name, { cursor, pageSize: 1_000 }, call);
    for (const { digest, mediaType } of page.items) {
      // One whose kind Google does not tell may be an index, too.
      if (mediaType !== undefined && !/image\.index|manifest\.list/.test(mediaType)) continue;
      if (!(await isHeld(deleteVersionOf(context, `${parent}/versions/${digest}`, call)))) deleted++;
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return deleted;
}

function heldByNone(): ArtifactRegistryError {
  return held(
    "Artifact Registry says that an index holds an image, and there is none.",
    "Delete the images one by one.",
  );
}

async function deleteVersionOf(context: GarContext, version: string, call: Call): Promise<void> {
  const deleted = runOperation(context, call, deleteVersion, (client, options) =>
    // Without `force` an image that has a tag is refused.
    client.deleteVersion({ name: version, force: true }, options),
  );
  await undefinedIfNotFound(deleted).catch((error: unknown) => {
    throw refusalOfDeletion(context, deleteVersion, error);
  });
}

/** Thrown where Google keeps an image that an index holds. */
class HeldByIndex extends Error {}

/** Whether a deletion is refused because an index holds an image. */
async function isHeld(deletion: Promise<void>): Promise<boolean> {
  try {
    await deletion;
    return false;
  } catch (error) {
    if (error instanceof HeldByIndex) return true;
    throw error;
  }
}

/** What an immutable tag names is kept as well (DockerRepositoryConfig, `immutable_tags`). */
function refusalOfDeletion(context: GarContext, method: RpcMethod, error: unknown): unknown {
  if (googleCode(error) !== grpcCode.failedPrecondition) return error;
  const what = `Artifact Registry ${method.action}`;
  const explained = explainedRefusal(error, what);
  if (explained) return explained;
  if (/\bparent\b/i.test(googleMessage(error))) return new HeldByIndex();
  if (method === removePackage) return translateRpcError(error, context, method);
  return held(
    `${what} is not possible in the present state.`,
    "A repository with immutable tags keeps them, and the images that they name. Otherwise Google's audit log has the reason.",
    error,
  );
}

function held(message: string, hint: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", message, { hint, ...(cause !== undefined && { cause }) });
}
