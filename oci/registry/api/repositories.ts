import type { ServerResponse } from "node:http";
import { ociIndex } from "../../media-types.ts";
import { OciError, send, sendJson } from "../respond.ts";
import { digestsIn } from "../store/listing.ts";
import { listReferrers, type ReferrerDescriptor, readManifest } from "../store/manifests.ts";
import { deleteRepository, listRepositories, repositoryCreatedAt, repositoryExists } from "../store/repositories.ts";
import type { Store } from "../store/store.ts";
import { listTags, tagsByDigest } from "../store/tags.ts";
import { type HandlerRequest, requireDigest, type Services } from "./handler.ts";
import { parseManifest } from "./manifest-content.ts";

/** The bytes that a list of referrers may have, because a client reads it as a manifest. */
const maxReferrersBytes = 4 * 1024 * 1024 - 1024;

/**
 * Lists the tags in lexical order, a page at a time (end-8, "Listing Tags").
 *
 * @throws OciError 404 `NAME_UNKNOWN`, or 400 `PAGINATION_NUMBER_INVALID`
 */
export async function getTags({ store }: Services, { res, query, name }: HandlerRequest): Promise<void> {
  const { limit, last } = parsePage(query);
  const all = await listTags(store, name);
  if (all.length === 0 && !(await repositoryExists(store, name))) {
    throw nameUnknown(name);
  }
  const after = all.filter((tag) => tag > last);
  const tags = after.slice(0, limit);
  const link = linkToNext(
    `/v2/${name}/tags/list`,
    { n: String(limit), last: tags.at(-1) ?? "" },
    tags.length > 0 && after.length > tags.length,
  );
  sendJson(res, 200, { name, tags }, link);
}

/**
 * Lists the manifests with this subject, or only those of one artifact type, a page at a time (end-12, "Listing Referrers").
 * The list is empty if the subject does not exist.
 *
 * @throws OciError 400 `DIGEST_INVALID`
 */
export async function getReferrers({ store }: Services, { res, query, name, tail }: HandlerRequest): Promise<void> {
  const subject = requireDigest(tail);
  const filter = query.get("artifactType");
  const last = query.get("last") ?? "";
  const manifests: ReferrerDescriptor[] = [];
  let [bytes, more] = [0, false];
  for await (const descriptor of listReferrers(store, name, subject)) {
    if ((filter !== null && descriptor.artifactType !== filter) || descriptor.digest <= last) continue;
    bytes += Buffer.byteLength(JSON.stringify(descriptor)) + 1;
    more = bytes > maxReferrersBytes && manifests.length > 0;
    if (more) break;
    manifests.push(descriptor);
  }
  const next = { ...(filter === null ? {} : { artifactType: filter }), last: manifests.at(-1)?.digest ?? "" };
  sendJson(
    res,
    200,
    { schemaVersion: 2, mediaType: ociIndex, manifests },
    {
      "Content-Type": ociIndex,
      ...(filter === null ? {} : { "OCI-Filters-Applied": "artifactType" }),
      ...linkToNext(`/v2/${name}/referrers/${subject.text}`, next, more),
    },
  );
}

/**
 * Lists the repositories that hold a manifest, in lexical order, a page at a time. `_catalog` comes from Docker's registry;
 * the specification does not have it.
 *
 * @throws OciError 400 `PAGINATION_NUMBER_INVALID`
 */
export async function getCatalog(store: Store, query: URLSearchParams, res: ServerResponse): Promise<void> {
  const page = parsePage(query);
  const { names, more } = await listRepositories(store, page);
  const link = linkToNext(
    "/v2/_catalog",
    { n: String(page.limit), last: names.at(-1) ?? "" },
    more && names.length > 0,
  );
  sendJson(res, 200, { repositories: names }, link);
}

/**
 * Lists a repository and those nested below it that hold a manifest, in lexical order, with their times of creation, a page at a
 * time. This is an extension of ours. `next` is the parameter `last` of the next page.
 *
 * @throws OciError 400 `PAGINATION_NUMBER_INVALID`
 */
export async function getRepositories({ store }: Services, { res, query, name }: HandlerRequest): Promise<void> {
  const { names, more } = await listRepositories(store, { ...parsePage(query), from: name });
  const repositories: { name: string; createdAt: string }[] = [];
  for (const each of names) {
    const createdAt = await repositoryCreatedAt(store, each);
    // It was deleted meanwhile.
    if (createdAt !== undefined) repositories.push({ name: each, createdAt });
  }
  sendJson(res, 200, { repositories, ...(more && { next: names.at(-1) }) });
}

/**
 * Lists the manifests of a repository in the order of their digests, with their tags, sizes and times, a page at a time. This is an
 * extension of ours. The size is that of the manifest and of the blobs that it names. A damaged manifest is left out.
 *
 * @throws OciError 404 `NAME_UNKNOWN`, or 400 `PAGINATION_NUMBER_INVALID`
 */
export async function getImages({ store }: Services, { res, query, name }: HandlerRequest): Promise<void> {
  const { limit, last } = parsePage(query);
  if ((await repositoryCreatedAt(store, name)) === undefined) throw nameUnknown(name);
  const tags = await tagsByDigest(store, name);
  const all = await digestsIn(store.layout.manifests(name));
  const after = all.filter(({ text }) => text > last).sort((one, other) => (one.text < other.text ? -1 : 1));
  const images: object[] = [];
  for (const digest of after.slice(0, limit)) {
    const manifest = await readManifest(store, name, digest);
    if (manifest === undefined) continue;
    const { mediaType, bytes, lastModified } = manifest;
    const { blobs } = parseManifest(bytes, mediaType);
    images.push({
      digest: digest.text,
      tags: tags.get(digest.text) ?? [],
      mediaType,
      sizeBytes: blobs.reduce((sum, { size = 0 }) => sum + size, bytes.length),
      pushedAt: new Date(lastModified).toISOString(),
    });
  }
  const next = after.length > limit ? after[limit - 1]?.text : undefined;
  sendJson(res, 200, { images, ...(next !== undefined && { next }) });
}

/** Says when a repository was created, which is an extension of ours. @throws OciError 404 if it holds no manifest */
export async function getRepository({ store }: Services, { res, name }: HandlerRequest): Promise<void> {
  const createdAt = await repositoryCreatedAt(store, name);
  if (createdAt === undefined) throw nameUnknown(name);
  sendJson(res, 200, { name, createdAt });
}

/**
 * Deletes a repository with its manifests, tags and blobs, which is an extension of ours. Repositories that are nested below
 * it stay.
 *
 * @throws OciError 404 `NAME_UNKNOWN`
 */
export async function removeRepository({ store }: Services, { res, name }: HandlerRequest): Promise<void> {
  if (!(await deleteRepository(store, name))) throw nameUnknown(name);
  send(res, 202, {});
}

function nameUnknown(name: string): OciError {
  return new OciError(404, "NAME_UNKNOWN", `There is no repository ${name}.`);
}

/** The most names that one answer lists. */
const maxPageSize = 10_000;

/** Which part of a list a request asks for. */
export interface Page {
  /** The most names that the answer may hold. */
  readonly limit: number;
  /** The last name of the page before. The empty string comes before every name. */
  readonly last: string;
}

/** Reads the parameters `n` and `last` of a list ("Listing Tags"). @throws OciError 400 `PAGINATION_NUMBER_INVALID` */
export function parsePage(query: URLSearchParams): Page {
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    throw new OciError(400, "PAGINATION_NUMBER_INVALID", "n must be a whole number, 0 or more.");
  }
  return { limit: n === null ? maxPageSize : Math.min(Number(n), maxPageSize), last: query.get("last") ?? "" };
}

/** Returns the `Link` header that leads to the next page (RFC 8288), or no header unless there is `more` to list. */
export function linkToNext(path: string, query: Readonly<Record<string, string>>, more: boolean): { Link?: string } {
  return more ? { Link: `<${path}?${new URLSearchParams(query)}>; rel="next"` } : {};
}
