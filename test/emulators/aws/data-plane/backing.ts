import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, type OciClient } from "../../../../oci/client/index.ts";
import { openRegistry, type Registry } from "../../../../oci/registry/index.ts";
import { mintToken, type TokenKey, tokenKey } from "../../../../oci/token/index.ts";

const SERVICE = "registry";

/** Our OCI registry behind an emulated one: it keeps the images, and takes orders from the emulator only. */
export class Backing {
  readonly #registry: Registry;
  readonly #server: Server;
  readonly #key: TokenKey;

  private constructor(registry: Registry, server: Server, key: TokenKey) {
    this.#registry = registry;
    this.#server = server;
    this.#key = key;
  }

  static async open(dataDir: string): Promise<Backing> {
    const key = tokenKey(randomBytes(32));
    const registry = await openRegistry({ dataDir, key, service: SERVICE });
    const server = createServer({ requestTimeout: 0 }, registry.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Backing(registry, server, key);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What to send as `Authorization` for this repository. */
  bearer(name: string): string {
    return `Bearer ${this.#token(name)}`;
  }

  /** Answers a request that has been authorised, in place of whoever it was sent to. */
  handle(name: string, req: IncomingMessage, res: ServerResponse): void {
    req.headers.authorization = this.bearer(name);
    this.#registry.handle(req, res);
  }

  client(name: string): OciClient {
    return createClient({ url: this.url, credentials: { username: "token", password: this.#token(name) } });
  }

  /** Deletes a repository with everything in it, if it is there. */
  async deleteRepository(name: string): Promise<void> {
    const headers = { authorization: this.bearer(name) };
    const answer = await fetch(`${this.url}/v2/${name}/_alien/repository`, { method: "DELETE", headers });
    await answer.body?.cancel();
    if (!answer.ok && answer.status !== 404) throw new Error(`The backing registry answered ${answer.status}.`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#registry.close();
  }

  #token(name: string): string {
    return mintToken(this.#key, {
      subject: "emulator",
      access: [{ type: "repository", name, actions: ["*"] }],
      audience: SERVICE,
      expiresAt: new Date(Date.now() + 60 * 60 * 1000),
    });
  }
}
