import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * A wire in front of a server, which can be cut: gRPC's own server lets nobody near its connections. `cut` takes the
 * address that the server sees as its peer.
 */
export class Wire {
  readonly #server: Server;
  readonly #ends = new Map<string, Socket>();

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const inner = connect(port, "127.0.0.1");
      const peer = () => `127.0.0.1:${inner.localPort}`;
      let known: string | undefined;
      inner.once("connect", () => {
        known = peer();
        this.#ends.set(known, client);
      });
      for (const [one, other] of [
        [client, inner],
        [inner, client],
      ] as const) {
        one.setNoDelay(true);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          other.destroy();
          if (known !== undefined) this.#ends.delete(known);
        });
        one.pipe(other);
      }
    });
  }

  static async open(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(peer: string): void {
    this.#ends.get(peer)?.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const client of this.#ends.values()) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
