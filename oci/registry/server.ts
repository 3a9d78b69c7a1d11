import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { openRegistry, type Registry, type RegistryOptions } from "./registry.ts";

const IDLE_MS = 5 * 60 * 1000;
const GRACE_MS = 30 * 1000;

export interface ServeOptions extends RegistryOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** How long a stop waits for what is in flight before it cuts it off; 30 s by default. */
  readonly graceMs?: number;
}

export interface RunningRegistry {
  readonly url: string;
  readonly registry: Registry;
  /** Stops listening, finishes what is in flight, closes the registry. */
  close(): Promise<void>;
}

/** Opens a registry and serves it. Throws DataFolderError, or the error of listening (`EADDRINUSE`). */
export async function serveRegistry(options: ServeOptions): Promise<RunningRegistry> {
  const registry = await openRegistry(options);
  // A layer may take hours: what ends a request is silence, not its length.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000 }, registry.handle);
  server.timeout = IDLE_MS;
  try {
    await listen(server, options);
  } catch (error) {
    await registry.close();
    throw error;
  }
  let closed: Promise<void> | undefined;
  return {
    url: urlOf(server, options.host),
    registry,
    close() {
      closed ??= stop(server, registry, options.graceMs ?? GRACE_MS);
      return closed;
    },
  };
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function stop(server: Server, registry: Registry, graceMs: number): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  await registry.close();
  server.closeIdleConnections();
  await stopped;
  clearTimeout(cutOff);
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}
