import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | object;
  /** Waited for before it is sent. */
  readonly after?: Promise<void>;
}

export interface FakeFunction {
  readonly url: string;
  /** Every request, in its order. */
  readonly seen: readonly Seen[];
}

type Answer = Reply | "reset" | "silence";

/**
 * Something at a URL that answers as it is told: what stands before a function, and functions that misbehave.
 *
 * @param replies one after the other, the last again and again; `reset` cuts the connection, `silence` answers never, and
 *   a function makes the reply from the request
 */
export async function startFake(...replies: readonly (Answer | ((request: Seen) => Answer))[]): Promise<FakeFunction> {
  const seen: Seen[] = [];
  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: await text(incoming) };
    seen.push(request);
    const next = replies[Math.min(seen.length, replies.length) - 1] ?? {};
    const reply = typeof next === "function" ? next(request) : next;
    if (reply === "silence") return;
    if (reply === "reset") {
      incoming.socket.resetAndDestroy();
      return;
    }
    await reply.after;
    const { status = 200, body = {} } = reply;
    response.writeHead(status, reply.headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}
