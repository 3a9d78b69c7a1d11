import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import type { HttpApplication } from "../../../core/http.ts";
import { platformCaller } from "./platform-caller.ts";

/** Function URL and HTTP API, payload format 2.0: what of it is read. */
export const httpEvent = v.looseObject({
  version: v.literal("2.0"),
  rawPath: v.string(),
  rawQueryString: v.optional(v.string()),
  headers: v.optional(v.record(v.string(), v.optional(v.string()))),
  body: v.optional(v.nullable(v.string())),
  isBase64Encoded: v.optional(v.boolean()),
  requestContext: v.looseObject({
    requestId: v.optional(v.string()),
    http: v.looseObject({ method: v.string() }),
    authorizer: v.optional(
      v.looseObject({
        iam: v.optional(
          v.nullable(v.looseObject({ userArn: v.optional(v.string()), accountId: v.optional(v.string()) })),
        ),
      }),
    ),
  }),
});

export type HttpEvent = v.InferOutput<typeof httpEvent>;

export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/**
 * Answers an HTTP event.
 *
 * @param trustsPlatform whether IAM stands in front of this door, so that its word on the caller counts
 */
export async function answerHttp(
  http: HttpApplication,
  event: HttpEvent,
  context: { trustsPlatform: boolean; requestId: string; signal: AbortSignal },
): Promise<HttpResult> {
  const caller: Caller | undefined = context.trustsPlatform
    ? platformCaller(event.requestContext.authorizer?.iam?.userArn)
    : undefined;
  const response = await http(toRequest(event, context.signal), {
    requestId: context.requestId,
    ...(caller && { platformCaller: caller }),
  });
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

function toRequest(event: HttpEvent, signal: AbortSignal): Request {
  const { method } = event.requestContext.http;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers ?? {})) if (value !== undefined) headers.set(name, value);
  const query = event.rawQueryString ? `?${event.rawQueryString}` : "";
  const hasBody = method !== "GET" && method !== "HEAD" && event.body !== undefined && event.body !== null;
  // The host is not looked at: only the path decides what is asked for.
  return new Request(new URL(event.rawPath + query, "https://function.invalid"), {
    method,
    headers,
    signal,
    ...(hasBody && { body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8") }),
  });
}
