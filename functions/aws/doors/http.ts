import { METHODS, validateHeaderName, validateHeaderValue } from "node:http";
import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import { invalidInput, toArtifactRegistryError } from "../../../core/errors.ts";
import { type ApiAnswer, type ApiRequest, createHttp, errorResponse, whole } from "../../../core/http.ts";
import { chain, type LambdaHandler, type Middleware, shape } from "./middleware.ts";
import type { Suite } from "./suite.ts";

/** The part that we read of a request in payload format 2.0, which function URLs and HTTP APIs send. */
export const httpEvent = v.looseObject({
  version: v.literal("2.0"),
  rawPath: v.pipe(v.string(), v.regex(/^\//)),
  rawQueryString: v.optional(v.string()),
  headers: v.optional(v.record(v.string(), v.string())),
  body: v.nullish(v.string()),
  isBase64Encoded: v.optional(v.boolean()),
  requestContext: v.looseObject({
    stage: v.optional(v.string()),
    http: v.looseObject({ method: v.string(), sourceIp: v.optional(v.string()) }),
    authorizer: v.nullish(v.looseObject({ iam: v.nullish(v.looseObject({ userArn: v.nullish(v.string()) })) })),
  }),
});

type HttpEvent = v.InferOutput<typeof httpEvent>;

/** An answer in payload format 2.0. */
interface HttpResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Serves the `platform` and `oidc` doors: HTTP in payload format 2.0. It never throws. What IAM says of the caller counts
 * only at the `platform` door.
 */
export function httpHandler({ application }: Suite): LambdaHandler {
  const http = createHttp(application);
  const trustsPlatform = application.door.name === "platform";
  const middlewares = [answerErrors(), shape(httpEvent, "HTTP requests in payload format 2.0")];
  return chain<HttpEvent>(middlewares, async (event, { requestId, signal }) => {
    const caller = trustsPlatform ? platformCaller(event.requestContext.authorizer?.iam?.userArn) : undefined;
    const { sourceIp: address } = event.requestContext.http;
    const context = { requestId, address, ...(caller && { platformCaller: caller }) };
    return toResult(await http(toRequest(event, signal), context));
  });
}

/** Turns everything that is thrown into an HTTP answer, also when the event itself was not an HTTP request. */
export function answerErrors(): Middleware {
  return {
    async onError(request) {
      const error = toArtifactRegistryError(request.error);
      request.response = toResult(errorResponse(error, request.context.awsRequestId));
    },
  };
}

/**
 * Reads the caller that IAM authenticated from its ARN. All sessions of a role are one caller. The issuer is `aws`. The
 * subject is `{account}:role/{name}` (an assumed role's ARN leaves the role's path out), `{account}:user/{path and name}`,
 * or `{account}:root`.
 *
 * @returns undefined for an ARN that names none of these
 */
function platformCaller(arn: string | null | undefined): Caller | undefined {
  const parts = /^arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(.+)$/.exec(arn ?? "");
  const [, account = "", resource = ""] = parts ?? [];
  const session = /^assumed-role\/([\w+=,.@-]+)\/[\w+=,.@:-]+$/.exec(resource)?.[1];
  if (session !== undefined) return { issuer: "aws", subject: `${account}:role/${session}` };
  const user = /^user\/([\w+=,.@/-]+)$/.exec(resource)?.[1];
  if (user !== undefined) return { issuer: "aws", subject: `${account}:user/${user}` };
  return resource === "root" ? { issuer: "aws", subject: `${account}:root` } : undefined;
}

/** @throws INVALID_INPUT for a method, a path or a header that HTTP does not allow */
function toRequest(event: HttpEvent, signal: AbortSignal): ApiRequest {
  const { method } = event.requestContext.http;
  const query = event.rawQueryString ? `?${event.rawQueryString}` : "";
  // Nobody looks at the host, because only the path decides what is asked for.
  const url = `https://function.invalid${pathOf(event)}${query}`;
  const headers = new Map<string, string>();
  try {
    for (const [name, value] of Object.entries(event.headers ?? {})) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      headers.set(name.toLowerCase(), value);
    }
    if (!METHODS.includes(method) || !URL.canParse(url)) throw new Error("no method, or no path");
  } catch {
    throw invalidInput("The request has a method, a path or a header that HTTP does not allow.");
  }
  const hasBody = method !== "GET" && method !== "HEAD" && typeof event.body === "string";
  return {
    method,
    url,
    headers: { get: (name) => headers.get(name.toLowerCase()) ?? null },
    body: hasBody ? whole(Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8")) : null,
    signal,
  };
}

/** The path without the stage. An HTTP API puts every stage but the default one in front of the path. */
function pathOf({ rawPath, requestContext: { stage } }: HttpEvent): string {
  const front = `/${stage}`;
  return stage !== undefined && rawPath.startsWith(`${front}/`) ? rawPath.slice(front.length) : rawPath;
}

function toResult({ status, headers, body }: ApiAnswer): HttpResult {
  return { statusCode: status, headers, body };
}
