import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Certificate } from "./certificates.ts";

export interface Listening {
  /** `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves on a free loopback port; over TLS where there is a certificate. */
export async function listen(handle: RequestListener, certificate?: Certificate): Promise<Listening> {
  const options = { requestTimeout: 0, keepAliveTimeout: 65_000 };
  const server: Server =
    certificate === undefined ? createServer(options, handle) : createTlsServer({ ...options, ...certificate }, handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const scheme = certificate === undefined ? "http" : "https";
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Lets a request that could not be answered end. */
export function guarded(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): RequestListener {
  return (req, res) => {
    res.on("error", () => undefined);
    handle(req, res).catch((error: unknown) => {
      // The client went away, or a hook of a test threw.
      if (!req.socket.destroyed) console.error("The Azure emulator failed:", error);
      req.socket.destroy();
    });
  };
}
