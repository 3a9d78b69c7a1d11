/** The registry with a server of its own. */
import type { Server } from "node:http";
import { listen, stopListening, urlOf } from "../http/listening.ts";
import { createHttpServer } from "../http/server.ts";
import { openRegistry, type Registry, type RegistryOptions } from "./registry.ts";
import { OciError, refusal, sendError } from "./respond.ts";

const idleMs = 5 * 60 * 1000;
const defaultGraceMs = 30 * 1000;

/** Where a registry listens: the name or the address of one of this machine's interfaces, and a port. */
export interface RegistryAddress {
  readonly host: string;
  /** 0 stands for any free port. */
  readonly port: number;
  /** The most connections at once; 1,000 by default. */
  readonly connections?: number;
}

/** The options of {@link serveRegistry}. */
export interface ServeOptions extends RegistryOptions, RegistryAddress {
  /** Milliseconds that a stop waits for requests in flight before it cuts them off; 30,000 by default. */
  readonly graceMs?: number;
}

/** A registry that answers requests. */
export interface RunningRegistry {
  /** The URL at which this machine reaches the registry. */
  readonly url: string;
  readonly registry: Registry;
  /** Stops listening, finishes the requests in flight, and closes the registry. A second call waits for the first. */
  close(): Promise<void>;
}

/** A port that is held for a registry that is not open yet. The answer to every request is 503. */
export interface RegistryPort {
  /** The URL at which this machine will reach the registry. */
  readonly url: string;
  /**
   * Opens the registry behind the port.
   *
   * @throws DataFolderError; the port stays held until `close`
   */
  open(options: Omit<ServeOptions, keyof RegistryAddress>): Promise<RunningRegistry>;
  /** Gives the port back. Once the registry is open, use `RunningRegistry.close` instead. */
  close(): Promise<void>;
}

/**
 * Opens a registry and serves it.
 *
 * @throws DataFolderError if the folder cannot be used; the error of listening, such as `EADDRINUSE`, and then nothing in
 *   the folder has been touched
 * @example
 * const running = await serveRegistry({ host: "127.0.0.1", port: 0, dataDir, key: await loadTokenKey(keyFile) });
 * console.log(running.url);
 * await running.close();
 */
export async function serveRegistry(options: ServeOptions): Promise<RunningRegistry> {
  const port = await bindRegistry(options);
  try {
    return await port.open(options);
  } catch (error) {
    await port.close();
    throw error;
  }
}

/**
 * Takes the port before the registry is opened. The opening throws away what the last registry left unfinished, and a
 * start that does not get its port must not do that. If you need more ports, take them before you call `open`.
 *
 * @throws the error of listening, such as `EADDRINUSE`
 *
 * @example
 * const port = await bindRegistry({ host: "127.0.0.1", port: 5050 });
 * const running = await port.open({ dataDir, key: await loadTokenKey(keyFile) });
 */
export async function bindRegistry({ host, port, connections }: RegistryAddress): Promise<RegistryPort> {
  let handle: Registry["handle"] = (_, res) => sendError(res, starting());
  let log: ServeOptions["log"];
  const failed = (error: unknown) => log?.("A request could not be answered", error);
  // A layer may take hours. So a request may last as long as it likes, and only silence ends it.
  const server = createHttpServer(
    { requestTimeout: 0, keepAliveTimeout: 65_000, ...(connections !== undefined && { connections }), refusal, failed },
    (req, res) => handle(req, res),
  );
  server.timeout = idleMs;
  await listen(server, { host, port });
  const url = urlOf(server, host);
  return {
    url,
    async open(options) {
      log = options.log;
      const registry = await openRegistry(options);
      handle = registry.handle;
      let closed: Promise<void> | undefined;
      return {
        url,
        registry,
        close() {
          closed ??= stop(server, registry, options.graceMs ?? defaultGraceMs);
          return closed;
        },
      };
    },
    async close() {
      await stopListening(server, 0);
    },
  };
}

function starting(): OciError {
  return new OciError(503, "UNAVAILABLE", "The registry is starting.", { "Retry-After": "1" });
}

/** Both stop at once: the registry waits for its last answer, which the server either sends or cuts off. */
async function stop(server: Server, registry: Registry, graceMs: number): Promise<void> {
  await Promise.all([stopListening(server, graceMs), registry.close()]);
}
