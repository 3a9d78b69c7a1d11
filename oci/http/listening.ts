/** How an HTTP server starts to listen, and how it stops without losing an answer. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Starts listening, and resolves when clients can connect.
 *
 * @param place `port` 0 takes a free port; without `host` the server listens on every address of the machine
 * @throws the error of listening (`EADDRINUSE`, `EACCES`)
 *
 * @example
 * await listen(server, { host: "127.0.0.1", port: 0 });
 * console.log(urlOf(server, "127.0.0.1"));
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

/**
 * Returns the URL at which this machine reaches a server that listens, without a slash at its end.
 *
 * @param host the host that the server listens on; for all addresses (`::` or `0.0.0.0`) the URL names 127.0.0.1
 * @param scheme `https` for a server that was made with `tls`
 */
export function urlOf(server: Server, host = "::", scheme: "http" | "https" = "http"): string {
  const { port } = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`;
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
