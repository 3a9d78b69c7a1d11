import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, send } from "../judge/http.ts";

/** A request on its way to the registry; what a mutation changes is what arrives. */
export type Passing = {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
};

/** An answer on its way back. */
export type Returning = {
  readonly asked: Readonly<Passing>;
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
};

/** An answer in the registry's place. */
export type Instead = Partial<Pick<Returning, "status" | "headers" | "body">>;

export type Mutation = {
  readonly name: string;
  /** The groups that have to notice: those whose names begin so. */
  readonly caughtBy: string;
  /** Answers in the registry's place where it returns something. */
  readonly request?: (passing: Passing) => Instead | undefined | Promise<Instead | undefined>;
  readonly answer?: (returning: Returning) => void;
};

export type Proxy = {
  readonly url: string;
  /** What went wrong in the proxy itself. */
  readonly stumbles: unknown[];
  stop(): Promise<void>;
};

/** Stands before a registry and breaks one thing. */
export async function startProxy(upstream: string, mutation: Mutation): Promise<Proxy> {
  const stumbles: unknown[] = [];
  const server = createServer((req, res) => {
    pass(upstream, mutation, req, res).catch((error) => {
      stumbles.push(error);
      res.destroy();
    });
  });
  // Node closes idle connections after five seconds, perhaps just when a client that had to wait for the processor uses one.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stumbles,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function pass(upstream: string, mutation: Mutation, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { "content-length": length, "transfer-encoding": coding, connection: _, ...headers } = req.headers;
  const passing: Passing = { method: req.method ?? "GET", path: req.url ?? "/", headers, body: Buffer.concat(chunks) };
  const instead = await mutation.request?.(passing);
  const sized = length !== undefined || coding !== undefined;
  const answer = instead ?? (await forward(upstream, passing, sized || passing.body.length > 0));
  const returning: Returning = {
    asked: passing,
    status: answer.status ?? 200,
    headers: { ...answer.headers },
    body: answer.body ?? Buffer.alloc(0),
  };
  mutation.answer?.(returning);
  write(returning, res);
}

function forward(upstream: string, { method, path, headers, body }: Passing, sized: boolean): Promise<Answer> {
  return send(method, `${upstream}${path}`, { headers, ...(sized ? { body } : {}) });
}

function write({ asked, status, headers, body }: Returning, res: ServerResponse): void {
  const { "content-length": length, "transfer-encoding": _, connection: __, ...rest } = headers;
  const hasBody = asked.method !== "HEAD" && status !== 204;
  // Of HEAD, the length is a statement, which a mutation may have taken away.
  const framing = hasBody
    ? { "content-length": body.length }
    : length === undefined
      ? {}
      : { "content-length": length };
  res.writeHead(status, { ...(rest as Record<string, string>), ...(status === 204 ? {} : framing) });
  res.end(hasBody ? body : undefined);
}
