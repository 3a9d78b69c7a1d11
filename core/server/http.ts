/** Between Node's HTTP and the contract: its requests, and errors in its form. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ArtifactRegistryError, type ErrorCode, invalidInput, toArtifactRegistryError } from "../errors.ts";
import { type ApiAnswer, type ApiRequest, errorResponse, whole } from "../http.ts";
import { bodyLimit } from "../json.ts";

/** How a server of the API bounds its bodies: `each` is what is read of one, `bytes` what may be on its way at once. */
export const apiBodies = { each: bodyLimit, bytes: 8 * 1024 * 1024 };

/** The milliseconds that a request to the API may take to arrive, headers and body. */
export const apiRequestTimeout = 60_000;

/**
 * Makes a listener that answers Node's requests by the contract. It answers a request that is none with INVALID_INPUT, and turns what
 * `serve` throws into an answer. It never throws, and its promise never rejects.
 *
 * @param serve answers one request; it may look at Node's own request for what the contract leaves out
 *
 * @example
 * const server = createServer(requestListener((request) => http(request)));
 */
export function requestListener(
  serve: (request: ApiRequest, incoming: IncomingMessage) => Promise<ApiAnswer>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort(new Error("The client has gone."));
    });
    let answer: ApiAnswer;
    try {
      answer = await serve(toRequest(incoming, gone.signal), incoming);
    } catch (error) {
      answer = errorResponse(toArtifactRegistryError(error), randomUUID());
    }
    if (outgoing.destroyed || outgoing.headersSent) return;
    const { status, headers, body } = answer;
    outgoing.once("finish", () => passOver(incoming));
    outgoing.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
    outgoing.end(incoming.method === "HEAD" ? undefined : body);
  };
}

/** What a host may be made of (RFC 3986, 3.2.2), and a port. */
const hostForm = /^[\w.~%!$&'()*+,;=:[\]-]*$/;

/** Functions-framework reads bodies by itself, and keeps them here. */
type Incoming = IncomingMessage & { readonly rawBody?: unknown };

/** @throws INVALID_INPUT for a host that is none, and for a target that is neither a path nor a URL */
function toRequest(incoming: Incoming, signal: AbortSignal): ApiRequest {
  const { method = "GET", url: target = "", headers, headersDistinct, rawBody } = incoming;
  // Only the path decides what is asked for, so the host is not looked at. A URL takes "\\" for "/" (WHATWG, "special").
  const url = target.startsWith("/") && !target.includes("\\") ? `http://localhost${target}` : target;
  const parsed = /^https?:\/\//i.test(url) ? URL.parse(url) : null;
  if (parsed === null || parsed.username !== "" || parsed.password !== "" || !hostForm.test(headers.host ?? "")) {
    throw invalidInput("The request is not one that HTTP allows.");
  }
  // Who reads only a part must still be able to answer.
  const body = () => (rawBody instanceof Uint8Array ? whole(rawBody) : incoming.iterator({ destroyOnReturn: false }));
  return {
    method,
    url,
    headers: { get: (name) => headersDistinct[name.toLowerCase()]?.join(", ") ?? null },
    body: method === "GET" || method === "HEAD" ? null : body(),
    signal,
  };
}

/** What is passed over of a body that nobody wanted. A client that has not sent it all by then might not read its answer before. */
const passedOver = { bytes: 64 * 1024 * 1024, milliseconds: 500 };

function passOver(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return;
  let bytes = 0;
  const end = () => incoming.socket.destroySoon();
  const timer = setTimeout(end, passedOver.milliseconds);
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > passedOver.bytes) end();
  });
  for (const event of ["end", "close"]) incoming.once(event, () => clearTimeout(timer));
  incoming.resume();
}

/** The codes of the statuses that mean something else than INVALID_INPUT. */
const codes: Readonly<Record<number, ErrorCode>> = {
  408: "TIMEOUT",
  413: "PAYLOAD_TOO_LARGE",
  500: "INTERNAL_ERROR",
  503: "SERVICE_UNAVAILABLE",
};

/**
 * The contract's error for bytes that never became a request.
 *
 * @param status the HTTP status, 400 or above
 * @param message a sentence that says what is wrong
 * @returns the headers and the body of the answer
 */
export function refusal(
  status: number,
  message: string,
): { readonly headers: Record<string, string>; readonly body: string } {
  const requestId = randomUUID();
  const busy = status === 503;
  const error = new ArtifactRegistryError(codes[status] ?? "INVALID_INPUT", message, { retryable: busy });
  return {
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...(busy && { "retry-after": "1" }),
    },
    body: JSON.stringify({ ...error.toWire(requestId), httpStatusCode: status }),
  };
}
