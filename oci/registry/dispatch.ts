/** What the registry can be asked for: its paths, its operations, and how a request finds the operation that answers it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { getBlob, headBlob, removeBlob } from "./api/blobs.ts";
import type { Handler, Services } from "./api/handler.ts";
import { deleteManifest, getManifest, putManifest } from "./api/manifests.ts";
import { getCatalog, getReferrers, getRepository, getTags, removeRepository } from "./api/repositories.ts";
import { cancelUpload, continueUpload, describeUpload, finishUpload, startUpload } from "./api/uploads.ts";
import { authorize, type Need } from "./auth/authorize.ts";
import { type ExchangeOptions, exchangeToken } from "./auth/exchange.ts";
import { OciError, readOnly, sendJson } from "./respond.ts";
import { readOnlyLock } from "./store/folder-lock.ts";
import { parseDigest, parseRepositoryName, type RepositoryName } from "./store/names.ts";

/** The kinds of resource below a repository's name. */
export type ContentKind = "blob" | "uploads" | "upload" | "manifest" | "tags" | "referrers" | "repository";

/** What a path means. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "token" }
  /** `name` is not checked yet. `tail` is the digest, the tag or the upload's id. */
  | { readonly kind: ContentKind; readonly name: string; readonly tail: string };

/**
 * Reads a path (distribution-spec, "Endpoints"). It starts at the end, because a name may have any number of components, and
 * some of them may be called `blobs` or `manifests`.
 *
 * @param path the decoded path, without a query
 * @returns undefined if the API has no such path
 *
 * @example
 * parseRoute("/v2/team/app/manifests/1.0"); // { kind: "manifest", name: "team/app", tail: "1.0" }
 */
export function parseRoute(path: string): Route | undefined {
  if (path === "/token") return { kind: "token" };
  if (path === "/v2" || path === "/v2/") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  if (!path.startsWith("/v2/")) return undefined;
  const parts = path.slice("/v2/".length).split("/");
  const [last = "", second, third] = [parts.at(-1), parts.at(-2), parts.at(-3)];
  const route = (kind: ContentKind, used: number, tail: string): Route | undefined =>
    parts.length > used ? { kind, name: parts.slice(0, -used).join("/"), tail } : undefined;

  if (third === "blobs" && second === "uploads")
    return last === "" ? route("uploads", 3, "") : route("upload", 3, last);
  if (second === "blobs") return last === "uploads" ? route("uploads", 2, "") : route("blob", 2, last);
  if (second === "manifests") return route("manifest", 2, last);
  if (second === "tags" && last === "list") return route("tags", 2, "");
  if (second === "referrers") return route("referrers", 2, last);
  if (second === "_alien" && last === "repository") return route("repository", 2, "");
  return undefined;
}

interface Operation {
  /** The action that the caller's token must allow in the repository. */
  readonly action: "pull" | "push" | "delete";
  readonly handle: Handler;
}

/** Every operation on a repository, by the kind of its path and its HTTP method. */
const operations: Readonly<Record<ContentKind, Readonly<Record<string, Operation>>>> = {
  blob: {
    GET: { action: "pull", handle: getBlob },
    HEAD: { action: "pull", handle: headBlob },
    DELETE: { action: "delete", handle: removeBlob },
  },
  uploads: { POST: { action: "push", handle: startUpload } },
  upload: {
    GET: { action: "push", handle: describeUpload },
    HEAD: { action: "push", handle: describeUpload },
    PATCH: { action: "push", handle: continueUpload },
    PUT: { action: "push", handle: finishUpload },
    DELETE: { action: "push", handle: cancelUpload },
  },
  manifest: {
    GET: { action: "pull", handle: getManifest },
    HEAD: { action: "pull", handle: getManifest },
    PUT: { action: "push", handle: putManifest },
    DELETE: { action: "delete", handle: deleteManifest },
  },
  tags: { GET: { action: "pull", handle: getTags }, HEAD: { action: "pull", handle: getTags } },
  referrers: { GET: { action: "pull", handle: getReferrers }, HEAD: { action: "pull", handle: getReferrers } },
  repository: {
    GET: { action: "pull", handle: getRepository },
    HEAD: { action: "pull", handle: getRepository },
    DELETE: { action: "delete", handle: removeRepository },
  },
};

/** What the requests of one registry share. */
export interface DispatchOptions {
  readonly services: Services;
  readonly tokens: ExchangeOptions;
  /** The address at which clients reach the registry, if it is not the one in their request. */
  readonly publicUrl: string | undefined;
}

const noQuery = new URLSearchParams();

/**
 * Makes the function that answers every request. It authorises the caller before it looks at anything else, so that no
 * error tells whether something exists to somebody who may not know.
 *
 * @returns a function whose promise rejects with an OciError, or any other error, for the caller to send as the answer
 */
export function createDispatch({ services, tokens, publicUrl }: DispatchOptions) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { path, query } = splitUrl(req.url ?? "/");
    const method = req.method ?? "GET";
    const route = path === undefined ? undefined : parseRoute(path);
    if (route?.kind === "token") return exchangeToken(tokens, { req, res, query });
    if (route === undefined && !path?.startsWith("/v2/")) throw noSuchPath();

    const name = route !== undefined && "name" in route ? parseRepositoryName(route.name) : undefined;
    const need = needOf(route, name, method, query);
    const place = { req, publicUrl, service: tokens.service };
    const caller = authorize(await tokens.authenticate(req.headers.authorization), need, place);

    if (route === undefined) throw noSuchPath();
    if (route.kind === "base" || route.kind === "catalog") {
      if (method !== "GET" && method !== "HEAD") throw notAllowed("GET, HEAD");
      return route.kind === "base" ? sendJson(res, 200, {}) : getCatalog(services.store, query, res);
    }
    const operation = operations[route.kind][method];
    if (operation === undefined) throw notAllowed(Object.keys(operations[route.kind]).join(", "));
    if (name === undefined) throw new OciError(400, "NAME_INVALID", "A repository cannot have this name.");
    if (operation.action !== "pull" && services.store.lock === readOnlyLock) throw readOnly();
    await operation.handle(services, { req, res, query, caller, name, tail: route.tail });
  };
}

function needOf(
  route: Route | undefined,
  name: RepositoryName | undefined,
  method: string,
  query: URLSearchParams,
): Need | undefined {
  if (route === undefined || route.kind === "base" || route.kind === "token") return undefined;
  if (route.kind === "catalog") {
    const catalog = { type: "registry", name: "catalog" } as const;
    return { ...catalog, action: "*", suggested: [{ ...catalog, actions: ["*"] }] };
  }
  const action = operations[route.kind][method]?.action;
  // No scope can hold an invalid name, so any valid token is enough to be told that the name is invalid.
  if (action === undefined || name === undefined) return undefined;
  // A client that pushes also asks what is there already. A mount also reads its source.
  const actions = action === "push" ? ["pull", "push"] : [action];
  const from = route.kind === "uploads" && parseDigest(query.get("mount") ?? "") !== undefined && query.get("from");
  const source = from ? parseRepositoryName(from) : undefined;
  const alsoRead: Need["suggested"] =
    source === undefined ? [] : [{ type: "repository", name: source, actions: ["pull"] }];
  return {
    type: "repository",
    name,
    action,
    suggested: [{ type: "repository", name, actions }, ...alsoRead],
    alsoPull: source,
  };
}

/** Splits the target of a request. The path is undefined if its percent-encoding is broken. */
function splitUrl(url: string): { path: string | undefined; query: URLSearchParams } {
  const mark = url.indexOf("?");
  const query = mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1));
  const path = mark < 0 ? url : url.slice(0, mark);
  try {
    return { path: path.includes("%") ? decodeURIComponent(path) : path, query };
  } catch {
    return { path: undefined, query };
  }
}

function noSuchPath(): OciError {
  return new OciError(404, "UNSUPPORTED", "There is no such path.");
}

function notAllowed(methods: string): OciError {
  return new OciError(405, "UNSUPPORTED", `This path allows only ${methods}.`, { Allow: methods });
}
