/** Between Node's HTTP and the contract: requests of the Fetch standard, and errors in the form of the contract. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener, RequestError } from "@hono/node-server";
import { ArtifactRegistryError, type ErrorCode, invalidInput, toArtifactRegistryError } from "../errors.ts";
import { errorResponse } from "../http.ts";
import { bodyLimit } from "../json.ts";

/** How a server of the API bounds its bodies: `each` is what is read of one, `bytes` what may be on its way at once. */
export const apiBodies = { each: bodyLimit, bytes: 8 * 1024 * 1024 };

/** The milliseconds that a request to the API may take to arrive, headers and body. */
export const apiRequestTimeout = 60_000;

/**
 * Makes a listener that turns Node's requests into requests of the Fetch standard. It answers a request that cannot be
 * converted with INVALID_INPUT, and turns what `serve` throws into an answer. It never throws, and its promise never rejects.
 *
 * @param serve answers one request; it may look at Node's own request for what the Fetch standard leaves out
 *
 * @example
 * const server = createServer(requestListener((request) => http(request)));
 */
export function requestListener(
  serve: (request: Request, incoming: IncomingMessage) => Promise<Response>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return getRequestListener(
    async (request, { incoming }) => {
      // Until here the URL has only been put together from parts. Nobody has parsed it yet, and parsing may fail.
      const url = URL.parse(request.url);
      if (url === null || url.username !== "" || url.password !== "") throw new RequestError("Not a URL");
      return serve(request, incoming as IncomingMessage);
    },
    {
      // Only the path decides what is asked for. HTTP/1.0 may leave the host out.
      hostname: "localhost",
      errorHandler: (error) =>
        errorResponse(
          error instanceof RequestError
            ? invalidInput("The request is not one that HTTP allows.")
            : toArtifactRegistryError(error),
          randomUUID(),
        ),
    },
  );
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
