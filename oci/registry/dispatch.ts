import type { IncomingMessage, ServerResponse } from "node:http";
import type { Services } from "./api/call.ts";
import { getCatalog } from "./api/listings.ts";
import { operations } from "./api/operations.ts";
import { authorize, type Need, realmOf } from "./auth/authorize.ts";
import { type ExchangeOptions, exchangeToken } from "./auth/exchange.ts";
import { OciError } from "./http/errors.ts";
import { sendJson } from "./http/respond.ts";
import { parseRoute, type Route } from "./http/routes.ts";
import { parseRepositoryName } from "./store/names.ts";

export interface DispatchOptions {
  readonly services: Services;
  readonly tokens: ExchangeOptions;
  readonly publicUrl: string | undefined;
}

export type Dispatch = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

const noQuery = new URLSearchParams();

/**
 * Finds what a request is about, whether its caller may, and who answers it, in this order: nobody learns from an
 * error whether something exists before it is clear that they may know.
 */
export function createDispatch({ services, tokens, publicUrl }: DispatchOptions): Dispatch {
  return async (req, res) => {
    const { path, query } = splitUrl(req.url ?? "/");
    const method = req.method ?? "GET";
    const route = path === undefined ? undefined : parseRoute(path);
    if (route?.kind === "token") return exchangeToken(tokens, { req, res, query });
    if (route === undefined && !path?.startsWith("/v2/"))
      throw new OciError(404, "UNSUPPORTED", "There is no such path.");

    const place = { realm: realmOf(req, publicUrl), service: tokens.service };
    const caller = authorize(tokens.authenticate(req.headers.authorization), needOf(route, method, query), place);

    if (route === undefined) throw new OciError(404, "UNSUPPORTED", "There is no such path.");
    if (route.kind === "base" || route.kind === "catalog") {
      if (method !== "GET" && method !== "HEAD") throw notAllowed("GET, HEAD");
      return route.kind === "base" ? sendJson(res, 200, {}) : getCatalog(services.store, query, res);
    }
    const operation = operations[route.kind][method];
    if (operation === undefined) throw notAllowed(Object.keys(operations[route.kind]).join(", "));
    const name = parseRepositoryName(route.name);
    if (name === undefined) throw new OciError(400, "NAME_INVALID", "The name is not one that a repository can have.");
    await operation.handle(services, { req, res, query, caller, name, tail: route.tail });
  };
}

function needOf(route: Route | undefined, method: string, query: URLSearchParams): Need | undefined {
  if (route === undefined || route.kind === "base" || route.kind === "token") return undefined;
  if (route.kind === "catalog") return need("registry", "catalog", "*");
  const operation = operations[route.kind][method];
  // What cannot be a repository's name is in nobody's scope; any valid token may be told that it is wrong.
  if (operation === undefined || parseRepositoryName(route.name) === undefined) return undefined;
  return need("repository", route.name, operation.action, parseRepositoryName(query.get("from") ?? ""));
}

function need(type: Need["type"], name: string, action: string, from?: string): Need {
  // One who pushes also asks what is there already, so both are suggested; a mount reads its source too.
  const actions = action === "push" ? ["pull", "push"] : [action];
  const source: Need["suggested"] = from === undefined ? [] : [{ type: "repository", name: from, actions: ["pull"] }];
  return { type, name, action, suggested: [{ type, name, actions }, ...source] };
}

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

function notAllowed(methods: string): OciError {
  return new OciError(405, "UNSUPPORTED", `Only ${methods} can be done here.`, { Allow: methods });
}
