/** What every server of ours does with Node's HTTP: it turns requests around, listens, and stops without losing an answer. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import { ArtifactRegistryError, type ErrorCode, invalidInput, toArtifactRegistryError } from "../errors.ts";
import { errorResponse } from "../http.ts";

/**
 * Makes a listener that turns Node's requests into requests of the Fetch standard. It answers a request that cannot be
 * turned with INVALID_INPUT, and answers what `serve` throws as an error. It never throws, and its promise never rejects.
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
  const error = new ArtifactRegistryError(codes[status] ?? "INVALID_INPUT", message);
  return {
    headers: { "content-type": "application/json", "cache-control": "no-store", "x-request-id": requestId },
    body: JSON.stringify({ ...error.toWire(requestId), httpStatusCode: status }),
  };
}

/**
 * Starts listening.
 *
 * @param place `port` 0 takes a free port; without `host` the server listens on every address of the machine
 * @throws the error of listening (`EADDRINUSE`, `EACCES`)
 */
export function listen(server: Server, place: { readonly host?: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The URL of a listening server, as this machine reaches it. */
export function urlOf(server: Server, host = "::"): string {
  const { port } = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/**
 * Stops listening, and waits until the last answer has gone out.
 *
 * @param limitMs milliseconds after which the connections that are left are cut off, because a client may send as slowly as
 *   it likes
 * @returns true if no connection had to be cut off
 */
export async function stopListening(server: Server, limitMs: number): Promise<boolean> {
  let complete = true;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A kept-alive connection becomes idle when its last answer has gone out. So this asks again until none is left.
  const again = setInterval(() => server.closeIdleConnections(), 100);
  const limit = setTimeout(() => {
    complete = false;
    server.closeAllConnections();
  }, limitMs);
  await closed;
  clearInterval(again);
  clearTimeout(limit);
  return complete;
}

/**
 * Prepares a server to send its clients away before it stops.
 *
 * @param server a server that has not taken a request yet
 * @returns a function after whose call each answer ends its connection, so that clients open their next one elsewhere
 */
export function prepareRelease(server: Server): () => void {
  const answering = new Set<ServerResponse>();
  let releasing = false;
  const release = (response: ServerResponse) => {
    // Node then sends `Connection: close`, and ends the connection after the answer.
    if (!response.headersSent) response.shouldKeepAlive = false;
  };
  server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
    if (releasing) release(response);
    answering.add(response);
    response.once("close", () => answering.delete(response));
  });
  return () => {
    releasing = true;
    for (const response of answering) release(response);
  };
}
