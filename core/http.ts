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

/**
 * The part of a request that the contract looks at. Requests of the Fetch standard have it, too; but they and their headers bring
 * undici along, which costs a cold start more than everything else of the function.
 */
export interface ApiRequest {
  /** In capital letters. */
  readonly method: string;
  /** A whole URL. Only its path counts. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Fires when nobody waits for the answer any longer. */
  readonly signal?: AbortSignal | undefined;
}

/** A body that has arrived already. */
export async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** An answer of the contract: always JSON. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers one request. It never throws: an error becomes an answer. */
export type HttpApplication = (request: ApiRequest, context?: HttpContext) => Promise<ApiAnswer>;

/** The paths that say whether the process is up. Google's front end answers `/healthz` itself, and passes the others on. */
const livePaths: readonly string[] = ["/livez", "/healthz"];
/** The path that says whether requests should come. */
const readyPath = "/readyz";

/** Whether a request only asks how the server is. It names no caller, so no metric and no audit log counts it. */
export function isProbe({ url }: ApiRequest): boolean {
  const { pathname } = new URL(url);
  return livePaths.includes(pathname) || pathname === readyPath;
}

/**
 * Serves the suite over HTTP: `POST /v1/{operation}`, `GET /livez`,
 * `GET /readyz` and `GET /openapi.json`. A door for direct invocation serves `POST /` instead, with `operation` in the body.
 *
 * @param readiness what `/readyz` answers; a server that ends in good order passes its own
 *
 * @example
 * const http = createHttp(application);
 * const { status, headers, body } = await http(request, { requestId });
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
  request: ApiRequest,
  context: HttpContext & { requestId: string },
): Promise<ApiAnswer> {
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
    const { signal } = request;
    const invoked = { requestId, ...(signal && { signal }), source: sourceOf(request, context, application) };
    return json(200, await invoke(application, payload, invoked), requestId);
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
function allowOnly(request: ApiRequest, methods: readonly string[], requestId: string): ApiAnswer | undefined {
  if (methods.includes(request.method)) return undefined;
  const error = new ArtifactRegistryError("INVALID_INPUT", `${request.method} is not allowed here.`, {
    hint: `Use ${methods.join(" or ")}.`,
  });
  return json(405, { ...error.toWire(requestId), httpStatusCode: 405 }, requestId, { allow: methods.join(", ") });
}

/** Writes an error as an answer. */
export function errorResponse(error: ArtifactRegistryError, requestId: string): ApiAnswer {
  const waits = error.httpStatusCode === 429 || error.httpStatusCode === 503;
  const seconds = error.retryAfterSeconds ?? (waits && error.retryable ? 1 : undefined);
  return json(error.httpStatusCode, error.toWire(requestId), requestId, {
    ...(seconds !== undefined && { "retry-after": String(Math.ceil(seconds)) }),
    ...(error.code === "AUTHENTICATION_ERROR" && { "www-authenticate": "Bearer" }),
  });
}

function json(status: number, body: object, requestId: string, headers: Record<string, string> = {}): ApiAnswer {
  return {
    status,
    headers: {
      "content-type": "application/json",
      // Answers hold credentials, so nobody on the way may store them.
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

/** Where the request came from: the address, as far as it can be known, and what the sender calls itself. */
export function sourceOf(
  { headers }: Pick<ApiRequest, "headers">,
  { address: connected }: HttpContext,
  { trustedProxies }: Pick<Application, "trustedProxies">,
): Source {
  const address = sourceAddress(connected, headers.get("x-forwarded-for"), trustedProxies);
  const userAgent = headers.get("user-agent")?.slice(0, 256);
  return { ...(address !== undefined && { address }), ...(userAgent && { userAgent }) };
}
