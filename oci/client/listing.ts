/** The client's requests for lists, page after page (distribution-spec, "Content Discovery"). */
import { type Descriptor, ociIndex } from "../media-types.ts";
import { OciError } from "./errors.ts";
import { pullManifest } from "./manifests.ts";
import { readLimited } from "./read.ts";
import { scope } from "./token.ts";
import type { Transport } from "./transport.ts";

const maxPageBytes = 16 * 1024 * 1024;

/**
 * Yields the tags of a repository, in the registry's order (distribution-spec, "Listing Tags").
 *
 * @param pageSize how many names each request asks for; the registry may answer with fewer
 * @throws OciError
 */
export async function* tags(transport: Transport, repository: string, pageSize?: number): AsyncGenerator<string> {
  const first = `v2/${repository}/tags/list${pageQuery(pageSize)}`;
  for await (const page of pages(transport, first, scope.pull(repository))) yield* strings(page, "tags");
}

/**
 * Yields the repositories that the caller may list. `_catalog` comes from Docker's registry. The OCI specification does not
 * have it, and neither have many registries.
 *
 * @param pageSize how many names each request asks for; the registry may answer with fewer
 * @throws OciError
 */
export async function* catalog(transport: Transport, pageSize?: number): AsyncGenerator<string> {
  for await (const page of pages(transport, `v2/_catalog${pageQuery(pageSize)}`, scope.catalog)) {
    yield* strings(page, "repositories");
  }
}

/**
 * Reads one page of the catalogue.
 *
 * @param next where the page before said that the list goes on
 * @throws OciError
 */
export async function catalogPage(
  transport: Transport,
  { pageSize, next }: { readonly pageSize: number; readonly next?: string | undefined },
): Promise<{ names: string[]; next?: string }> {
  const here = transport.resolve(next ?? `v2/_catalog${pageQuery(pageSize)}`);
  const { content, next: following } = await onePage(transport, here, scope.catalog);
  return {
    names: strings(content, "repositories"),
    ...(following !== undefined && { next: `${following.pathname}${following.search}` }),
  };
}

/**
 * Yields the descriptors of the manifests whose `subject` is this digest (distribution-spec, "Listing Referrers"). If a
 * registry does not have the referrers API, this reads the tag that takes its place ("Referrers Tag Schema").
 *
 * @param artifactType leaves out the manifests of every other type
 * @throws OciError
 */
export async function* referrers(
  transport: Transport,
  repository: string,
  digest: string,
  artifactType?: string,
): AsyncGenerator<Descriptor> {
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const first = `v2/${repository}/referrers/${digest}${query}`;
  try {
    for await (const page of pages(transport, first, scope.pull(repository))) yield* matching(page, artifactType);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    yield* matching(await referrersTag(transport, repository, digest), artifactType);
  }
}

async function referrersTag(transport: Transport, repository: string, digest: string): Promise<unknown> {
  try {
    const { bytes } = await pullManifest(transport, repository, digest.replace(":", "-"), [ociIndex]);
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.status === 404;
}

async function* pages(transport: Transport, first: string, needed: string): AsyncGenerator<unknown> {
  let next: URL | undefined = transport.resolve(first);
  const seen = new Set<string>();
  while (next !== undefined) {
    if (seen.has(next.href)) throw cannotFollow(transport);
    seen.add(next.href);
    const page: { content: unknown; next: URL | undefined } = await onePage(transport, next, needed);
    yield page.content;
    next = page.next;
  }
}

async function onePage(
  transport: Transport,
  here: URL,
  needed: string,
): Promise<{ content: unknown; next: URL | undefined }> {
  if (here.origin !== transport.root.origin) throw cannotFollow(transport);
  const answer = await transport.send({ to: here, scopes: [needed], expect: [200] });
  const content = parse(await readLimited(answer, maxPageBytes), here);
  const link = nextLink(answer.headers.get("link"));
  return { content, next: link === undefined ? undefined : transport.resolve(link, here) };
}

function cannotFollow({ root }: Transport): OciError {
  return new OciError(0, "UNEXPECTED_RESPONSE", `${root.host} gave a link to the next page that cannot be followed.`);
}

/**
 * Returns the target of the link with `rel="next"` in a `Link` header (RFC 8288), which may hold several links, or undefined
 * if there is none. The target may be relative to the URL of the answer.
 */
export function nextLink(header: string | null): string | undefined {
  for (const [, target, params] of (header ?? "").matchAll(
    /<([^>]*)>((?:\s*;\s*[^,;"=]+(?:=(?:"[^"]*"|[^,;"]*))?)*)/g,
  )) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next)\s*(?:;|$)/i.test(params ?? "")) return target;
  }
  return undefined;
}

function parse(bytes: Buffer, from: URL): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new OciError(200, "UNEXPECTED_RESPONSE", `GET ${from.origin}${from.pathname}: the answer is not JSON`, {
      cause,
    });
  }
}

function list(page: unknown, key: string): unknown[] {
  const value: unknown = typeof page === "object" && page !== null ? (page as Record<string, unknown>)[key] : undefined;
  // Registries that are written in Go write an empty list as `null`.
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value))
    throw new OciError(200, "UNEXPECTED_RESPONSE", `In the registry's answer, "${key}" is not a list.`);
  return value;
}

function strings(page: unknown, key: string): string[] {
  return list(page, key).filter((one): one is string => typeof one === "string");
}

function matching(page: unknown, artifactType: string | undefined): Descriptor[] {
  const found = list(page, "manifests") as Descriptor[];
  // A registry may ignore the filter. `OCI-Filters-Applied` would say so, but it costs nothing to filter twice.
  return artifactType === undefined ? found : found.filter((one) => one.artifactType === artifactType);
}

function pageQuery(pageSize: number | undefined): string {
  return pageSize === undefined ? "" : `?n=${pageSize}`;
}
