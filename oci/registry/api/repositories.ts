import type { ServerResponse } from "node:http";
import { ociIndex } from "../../media-types.ts";
import { OciError, send, sendJson } from "../respond.ts";
import { listReferrers, type ReferrerDescriptor } from "../store/manifests.ts";
import { deleteRepository, listRepositories, repositoryCreatedAt, repositoryExists } from "../store/repositories.ts";
import type { Store } from "../store/store.ts";
import { listTags } from "../store/tags.ts";
import { type HandlerRequest, requireDigest, type Services } from "./handler.ts";

/** The bytes that a list of referrers may have, because a client reads it as a manifest. */
const maxReferrersBytes = 4 * 1024 * 1024 - 1024;

/** end-8: lists the tags in lexical order, a page at a time. */
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

/** end-12: lists the manifests with this subject, or only those of one artifact type. */
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

/** `_catalog`: lists the repositories that hold a manifest, in lexical order, a page at a time. */
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

/** An extension of ours: says when a repository was created, if it holds a manifest. */
export async function getRepository({ store }: Services, { res, name }: HandlerRequest): Promise<void> {
  const createdAt = await repositoryCreatedAt(store, name);
  if (createdAt === undefined) throw nameUnknown(name);
  sendJson(res, 200, { name, createdAt });
}

/** An extension of ours: deletes a repository with its manifests, tags and blobs, but none that is nested below it. */
export async function removeRepository({ store }: Services, { res, name }: HandlerRequest): Promise<void> {
  if (!(await deleteRepository(store, name))) throw nameUnknown(name);
  send(res, 202, {});
}

function nameUnknown(name: string): OciError {
  return new OciError(404, "NAME_UNKNOWN", `There is no repository ${name}.`);
}

/** The most names that one answer lists. */
const maxPageSize = 10_000;

export interface Page {
  readonly limit: number;
  /** The last name of the page before. The empty string comes before every name. */
  readonly last: string;
}

/** Reads `n` and `last`. @throws OciError 400 `PAGINATION_NUMBER_INVALID` */
export function parsePage(query: URLSearchParams): Page {
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    throw new OciError(400, "PAGINATION_NUMBER_INVALID", "n must be a whole number from 0 up.");
  }
  return { limit: n === null ? maxPageSize : Math.min(Number(n), maxPageSize), last: query.get("last") ?? "" };
}

/** Returns the `Link` header that leads to the next page, or none if there are no `more` names. */
export function linkToNext(path: string, query: Readonly<Record<string, string>>, more: boolean): { Link?: string } {
  return more ? { Link: `<${path}?${new URLSearchParams(query)}>; rel="next"` } : {};
}
