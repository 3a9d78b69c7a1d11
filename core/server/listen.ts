import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Starts listening.
 *
 * @param place `port` 0 takes a free one; no `host` means every address of the machine
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

/** Where a server listens, as this machine reaches it. */
export function urlOf(server: Server, host = "::"): string {
  const { port } = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/**
 * Stops listening, and ends when the last answer has gone out.
 *
 * @param limitMs milliseconds after which whatever is left is cut off: a request may be sent as slowly as its sender likes
 */
export async function stopListening(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A kept-alive connection becomes idle when its last answer has gone out; ask again until none is left.
  const again = setInterval(() => server.closeIdleConnections(), 100);
  const limit = setTimeout(() => server.closeAllConnections(), limitMs);
  await closed;
  clearInterval(again);
  clearTimeout(limit);
}
