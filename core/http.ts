import { randomUUID } from "node:crypto";
import type { Application } from "./application.ts";
import type { Source } from "./audit.ts";
import { sourceAddress } from "./budget.ts";
import type { AuthenticatedCaller, Caller } from "./caller.ts";
import { ArtifactRegistryError, toArtifactRegistryError } from "./errors.ts";
import { invoke } from "./invoke.ts";
import { readJson } from "./json.ts";
import { createReadiness, type Readiness } from "./readiness.ts";

/** What a handler knows about a request in addition to the request itself. */
export interface HttpContext {
  /**
   * The caller whom the platform authenticated. Set it only on the `platform` door, from what the platform alone can write, or as a
   * function that verifies the platform's token.
   */
  readonly platformCaller?: Caller | (() => Promise<AuthenticatedCaller>);
  /** The platform's own id of the request, where it has one. */
  readonly requestId?: string;
  /** The address that the connection or the platform names as the sender's. */
  readonly address?: string | undefined;
}

/** Answers one request. It never throws: an error becomes a response. */
export type HttpApplication = (request: Request, context?: HttpContext) => Promise<Response>;

/** The paths that say whether the process is up. Google's front end answers `/healthz` itself, and passes the others on. */
const livePaths: readonly string[] = ["/livez", "/healthz"];
/** The path that says whether requests should come. */
const readyPath = "/readyz";

/** Whether a request only asks how the server is. It names no caller, so no metric and no audit log counts it. */
export function isProbe({ url }: Request): boolean {
  const { pathname } = new URL(url);
  return livePaths.includes(pathname) || pathname === readyPath;
}

/**
 * Serves the suite over HTTP, with the requests and responses of the Fetch standard: `POST /v1/{operation}`, `GET /livez`,
 * `GET /readyz` and `GET /openapi.json`. A door for direct invocation serves `POST /` instead, with `operation` in the body.
 *
 * @param readiness what `/readyz` answers; a server that ends in good order passes its own
 *
 * @example
 * const http = createHttp(application);
 * const response = await http(request, { requestId });
 */
export function createHttp(
  application: Application,
  readiness: Readiness = createReadiness(application.door, application.rules),
): HttpApplication {
  return async (request, context = {}) => {
    const requestId = context.requestId ?? randomUUID();
    try {
      return await route(application, readiness, request, { ...context, requestId });
    } catch (thrown) {
      return errorResponse(toArtifactRegistryError(thrown), requestId);
    }
  };
}

async function route(
  application: Application,
  readiness: Readiness,
  request: Request,
  context: HttpContext & { requestId: string },
): Promise<Response> {
  const { requestId } = context;
  const { pathname } = new URL(request.url);
  if (livePaths.includes(pathname)) {
    return allowOnly(request, ["GET", "HEAD"], requestId) ?? json(200, { status: "ok" }, requestId);
  }
  if (pathname === readyPath) {
    const refused = allowOnly(request, ["GET", "HEAD"], requestId);
    if (refused) return refused;
    const state = await readiness.check();
    return json(state.status === "ready" ? 200 : 503, state, requestId);
  }
  if (pathname === "/openapi.json") {
    const refused = allowOnly(request, ["GET", "HEAD"], requestId);
    if (refused) return refused;
    // Loaded only when somebody asks for it, so no credential request pays for it.
    const { openApiDocument } = await import("./openapi/document.ts");
    return json(200, openApiDocument(), requestId);
  }
  if (pathname === "/" && application.door.accepts === "invoke") {
    // This is for platforms that cannot invoke a function directly.
    const refused = allowOnly(request, ["POST"], requestId);
    if (refused) return refused;
    const payload = await readJson(request.body);
    const source = sourceOf(request, context, application);
    return json(200, await invoke(application, payload, { requestId, signal: request.signal, source }), requestId);
  }
  const operation = /^\/v1\/([^/]+)$/.exec(pathname)?.[1];
  if (operation === undefined) {
    throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", "There is nothing at this path.", {
      hint: "POST /v1/{operation}; GET /openapi.json lists the operations.",
    });
  }
  const refused = allowOnly(request, ["POST"], requestId);
  if (refused) return refused;
  if (application.door.accepts !== "http") {
    throw new ArtifactRegistryError("AUTHENTICATION_ERROR", `The ${application.door.name} door is shut for HTTP.`, {
      hint: "Deploy the function with ALIEN_DOOR=platform or ALIEN_DOOR=oidc to serve HTTP.",
    });
  }
  const answer = await application.run({
    operation,
    input: () => readJson(request.body),
    evidence: {
      authorization: request.headers.get("authorization") ?? undefined,
      platformCaller: context.platformCaller,
    },
    source: sourceOf(request, context, application),
    requestId,
    signal: request.signal,
  });
  return answer.ok ? json(200, answer.output, requestId) : errorResponse(answer.error, requestId);
}

/** Answers 405 if the path does not know the method (RFC 9110, 15.5.6). The contract has no code for that status. */
function allowOnly(request: Request, methods: readonly string[], requestId: string): Response | undefined {
  if (methods.includes(request.method)) return undefined;
  const error = new ArtifactRegistryError("INVALID_INPUT", `${request.method} is not allowed here.`, {
    hint: `Use ${methods.join(" or ")}.`,
  });
  return json(405, { ...error.toWire(requestId), httpStatusCode: 405 }, requestId, { allow: methods.join(", ") });
}

/** Writes an error as an HTTP response. */
export function errorResponse(error: ArtifactRegistryError, requestId: string): Response {
  const waits = error.httpStatusCode === 429 || error.httpStatusCode === 503;
  const seconds = error.retryAfterSeconds ?? (waits && error.retryable ? 1 : undefined);
  return json(error.httpStatusCode, error.toWire(requestId), requestId, {
    ...(seconds !== undefined && { "retry-after": String(Math.ceil(seconds)) }),
    ...(error.code === "AUTHENTICATION_ERROR" && { "www-authenticate": "Bearer" }),
  });
}

function json(status: number, body: object, requestId: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/json",
      // Answers hold credentials, so nobody on the way may store them.
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...headers,
    },
  });
}

/** Where the request came from: the address, as far as it can be known, and what the sender calls itself. */
export function sourceOf(
  { headers }: Request,
  { address: connected }: HttpContext,
  { trustedProxies }: Pick<Application, "trustedProxies">,
): Source {
  const address = sourceAddress(connected, headers.get("x-forwarded-for"), trustedProxies);
  const userAgent = headers.get("user-agent")?.slice(0, 256);
  return { ...(address !== undefined && { address }), ...(userAgent && { userAgent }) };
}
