import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listen, urlOf } from "../../../oci/http/listening.ts";

/** What stands between callers and pods: requests go round those that say that they are ready. */
export interface Proxy {
  readonly url: string;
  /** Asks it whether it is ready from now on. */
  add(url: string): void;
  remove(url: string): void;
  /** Requests that each instance answered. */
  readonly answered: ReadonlyMap<string, number>;
  /** What went wrong on the way to an instance; nothing is tried twice. */
  readonly failures: readonly string[];
  isReady(url: string): boolean;
  stop(): Promise<void>;
}

/** Milliseconds between two looks at the readiness of an instance: a kubelet takes longer, and so does the drain. */
const probeEveryMs = 200;

interface Backend {
  readonly url: string;
  readonly agent: Agent;
  ready: boolean;
}

/** Keeps connections to instances alive, as an ingress does, and repeats no request: what fails is seen. */
export async function startProxy(): Promise<Proxy> {
  const backends = new Map<string, Backend>();
  const answered = new Map<string, number>();
  const failures: string[] = [];
  let turn = 0;
  let running = true;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const ready = [...backends.values()].filter((backend) => backend.ready);
    const backend = ready[turn++ % ready.length];
    if (!backend) {
      failures.push("no instance is ready");
      return void outgoing.writeHead(503).end();
    }
    const { connection: _, ...headers } = incoming.headers;
    const { agent } = backend;
    const sent = request(
      `${backend.url}${incoming.url}`,
      { method: incoming.method ?? "GET", headers, agent },
      (response) => {
        // Connections are each hop's own (RFC 9110, 7.6.1).
        const { connection: _hop, "keep-alive": _time, ...rest } = response.headers;
        outgoing.writeHead(response.statusCode ?? 502, rest);
        response.pipe(outgoing);
        answered.set(backend.url, (answered.get(backend.url) ?? 0) + 1);
      },
    );
    sent.once("error", (error: NodeJS.ErrnoException) => {
      failures.push(`${backend.url}: ${error.code}`);
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end();
    });
    incoming.pipe(sent);
  };
  const server = createServer(forward);
  await listen(server, { host: "127.0.0.1", port: 0 });

  const probing = (async () => {
    while (running) {
      await Promise.all(
        [...backends.values()].map(async (backend) => {
          // A connection of its own, as the kubelet's.
          backend.ready = await fetch(`${backend.url}/readyz`, { headers: { connection: "close" } }).then(
            (response) => response.status === 200,
            () => false,
          );
        }),
      );
      await sleep(probeEveryMs);
    }
  })();
  return {
    url: urlOf(server, "127.0.0.1"),
    answered,
    failures,
    isReady: (url) => backends.get(url)?.ready ?? false,
    add: (url) => void backends.set(url, { url, agent: new Agent({ keepAlive: true, maxSockets: 200 }), ready: false }),
    remove(url) {
      backends.get(url)?.agent.destroy();
      backends.delete(url);
    },
    async stop() {
      running = false;
      await probing;
      for (const { agent } of backends.values()) agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
