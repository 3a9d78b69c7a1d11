/** What the registry can be asked for: its operations, and how a request finds the one that answers it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Noted } from "./access-log.ts";
import { getBlob, headBlob, removeBlob } from "./api/blobs.ts";
import type { Handler, Services } from "./api/handler.ts";
import { deleteManifest, getManifest, putManifest } from "./api/manifests.ts";
import {
  getCatalog,
  getImages,
  getReferrers,
  getRepositories,
  getRepository,
  getTags,
  removeRepository,
} from "./api/repositories.ts";
import { cancelUpload, continueUpload, describeUpload, finishUpload, startUpload } from "./api/uploads.ts";
import { authorize, type Need } from "./auth/authorize.ts";
import { type ExchangeOptions, exchangeToken } from "./auth/exchange.ts";
import { OciError, readOnly, sendJson } from "./respond.ts";
import { type ContentKind, parseRoute, type Route } from "./route.ts";
import { readOnlyLock } from "./store/folder-lock.ts";
import { parseDigest, parseRepositoryName, type RepositoryName } from "./store/names.ts";

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
  // Needs what the catalogue needs: see `needOf`.
  repositories: {
    GET: { action: "pull", handle: getRepositories },
    HEAD: { action: "pull", handle: getRepositories },
  },
  images: { GET: { action: "pull", handle: getImages }, HEAD: { action: "pull", handle: getImages } },
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
 * @returns a function that fills in what the access log tells, and whose promise rejects with an OciError, or any other error, for the caller to send as the answer
 */
export function createDispatch({ services, tokens, publicUrl }: DispatchOptions) {
  return async (req: IncomingMessage, res: ServerResponse, noted: Noted): Promise<void> => {
    const { path, query } = splitUrl(req.url ?? "/");
    const method = req.method ?? "GET";
    const route = path === undefined ? undefined : parseRoute(path);
    if (route !== undefined) Object.assign(noted, { route, query });
    if (route?.kind === "token") return exchangeToken(tokens, { req, res, query, noted });
    if (route === undefined && !path?.startsWith("/v2/")) throw noSuchPath();

    const name = route !== undefined && "name" in route ? parseRepositoryName(route.name) : undefined;
    const need = needOf(route, name, method, query);
    const place = { req, publicUrl, service: tokens.service };
    const authentication = await tokens.authenticate(req.headers.authorization);
    if (typeof authentication === "object") noted.caller = authentication;
    const caller = authorize(authentication, need, place);

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
  if (route.kind === "catalog" || route.kind === "repositories") {
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
