import * as v from "valibot";
import { invalidInput } from "../../../core/errors.ts";

/** What of a request in payload format 2.0 is read. Function URLs and HTTP APIs send it. */
export const httpEvent = v.looseObject({
  version: v.literal("2.0"),
  rawPath: v.pipe(v.string(), v.startsWith("/")),
  rawQueryString: v.optional(v.string()),
  headers: v.optional(v.record(v.string(), v.string())),
  body: v.nullish(v.string()),
  isBase64Encoded: v.optional(v.boolean()),
  requestContext: v.looseObject({
    stage: v.optional(v.string()),
    http: v.looseObject({ method: v.string() }),
    authorizer: v.nullish(v.looseObject({ iam: v.nullish(v.looseObject({ userArn: v.nullish(v.string()) })) })),
  }),
});

export type HttpEvent = v.InferOutput<typeof httpEvent>;

/** @throws INVALID_INPUT for a request that HTTP itself does not know */
export function toRequest(event: HttpEvent, signal: AbortSignal): Request {
  const { method } = event.requestContext.http;
  const query = event.rawQueryString ? `?${event.rawQueryString}` : "";
  const hasBody = method !== "GET" && method !== "HEAD" && typeof event.body === "string";
  try {
    // The host is not looked at: only the path decides what is asked for.
    return new Request(`https://function.invalid${pathOf(event)}${query}`, {
      method,
      headers: { ...event.headers },
      signal,
      ...(hasBody && { body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8") }),
    });
  } catch {
    throw invalidInput("The request has a method, a path or a header that HTTP does not allow.");
  }
}

/** The path below the stage: an HTTP API puts every stage but the default one in front of it. */
function pathOf({ rawPath, requestContext: { stage } }: HttpEvent): string {
  const front = `/${stage}`;
  return stage !== undefined && rawPath.startsWith(`${front}/`) ? rawPath.slice(front.length) : rawPath;
}
