import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** The connections of a server that can be stopped without failing a request. */
export interface Connections {
  /** From now on every answer ends its connection, so that clients open their next one elsewhere. */
  releaseClients(): void;
  /**
   * Stops listening and ends when the last answer has gone out.
   *
   * @param limitMs after which whatever is left is cut off
   * @returns whether nothing had to be cut off
   */
  close(limitMs: number): Promise<boolean>;
}

/** @param server one whose listeners are not called before this */
export function trackConnections(server: Server): Connections {
  const answering = new Set<ServerResponse>();
  let releasing = false;
  const release = (response: ServerResponse) => {
    // Node writes `Connection: close` for it, and ends the connection after the answer.
    if (!response.headersSent) response.shouldKeepAlive = false;
  };
  server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
    if (releasing) release(response);
    answering.add(response);
    response.once("close", () => answering.delete(response));
  });
  return {
    releaseClients() {
      releasing = true;
      for (const response of answering) release(response);
    },
    async close(limitMs) {
      let whole = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const again = setInterval(() => server.closeIdleConnections(), 100);
      const limit = setTimeout(() => {
        whole = false;
        server.closeAllConnections();
      }, limitMs);
      await closed;
      clearInterval(again);
      clearTimeout(limit);
      return whole;
    },
  };
}
