import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";

/** dynalite has no types of its own. */
type Dynalite = (options: { createTableMs: number; deleteTableMs: number; updateTableMs: number }) => Server;

/** DynamoDB servers that are not ours, one for each account and region, started at the first call. */
export class Dynalites {
  readonly #servers = new Map<string, Promise<Server>>();

  /** Hands a request on, and returns what is answered. */
  async forward(place: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<Response> {
    const { port } = (await this.#server(place)).address() as AddressInfo;
    return fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: new Uint8Array(body) });
  }

  async close(): Promise<void> {
    for (const starting of this.#servers.values()) {
      const server = await starting;
      server.closeAllConnections();
      // dynalite's own `close` wants its store closed too, which it does by itself.
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #server(place: string): Promise<Server> {
    const known = this.#servers.get(place);
    if (known !== undefined) return known;
    const starting = start();
    this.#servers.set(place, starting);
    return starting;
  }
}

async function start(): Promise<Server> {
  const dynalite = createRequire(import.meta.url)("dynalite") as Dynalite;
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return server;
}
