import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What Lambda's Invoke API would answer. */
export interface Invocation {
  /** Set as `FunctionError` is: the payload is then the error that the runtime reported. */
  readonly failed: boolean;
  readonly payload: unknown;
}

export interface RuntimeApi {
  /** `host:port`, as `AWS_LAMBDA_RUNTIME_API` names it. */
  readonly address: string;
  /** Sends one event to the runtime, and waits for what it answers. */
  invoke(event: unknown, timeoutMs?: number): Promise<Invocation>;
  /** Fails whoever waits: the runtime has ended. */
  fail(reason: Error): void;
  stop(): Promise<void>;
}

interface Waiting {
  readonly id: string;
  readonly event: unknown;
  readonly deadline: number;
  readonly resolve: (invocation: Invocation) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * The Runtime API of AWS Lambda (developer guide, "Using the Lambda runtime API"), as far as one runtime with one
 * function needs it.
 */
export async function startRuntimeApi(functionArn: string): Promise<RuntimeApi> {
  const waiting: Waiting[] = [];
  const running = new Map<string, Waiting>();
  let idle: ServerResponse | undefined;

  function hand(): void {
    if (idle === undefined) return;
    const next = waiting.shift();
    if (next === undefined) return;
    running.set(next.id, next);
    idle.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": next.id,
      "lambda-runtime-deadline-ms": String(next.deadline),
      "lambda-runtime-invoked-function-arn": functionArn,
      "lambda-runtime-trace-id": "Root=1-681a1b2c-0123456789abcdef01234567;Sampled=0",
    });
    idle.end(JSON.stringify(next.event));
    idle = undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = "", what] =
      /^\/2018-06-01\/runtime\/(?:invocation|init)\/?([^/]*)\/(\w+)$/.exec(request.url ?? "") ?? [];
    if (request.url === "/2018-06-01/runtime/invocation/next") {
      idle = response;
      return hand();
    }
    let text = "";
    for await (const chunk of request) text += chunk;
    response.writeHead(202).end("{}");
    if (request.url === "/2018-06-01/runtime/init/error") return fail(new Error(`The function did not start: ${text}`));
    running.get(id)?.resolve({ failed: what === "error", payload: text === "" ? null : JSON.parse(text) });
    running.delete(id);
  }

  function fail(reason: Error): void {
    for (const each of [...waiting.splice(0), ...running.values()]) each.reject(reason);
    running.clear();
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => fail(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    invoke: (event, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        waiting.push({ id: randomUUID(), event, deadline: Date.now() + timeoutMs, resolve, reject });
        hand();
      }),
    fail,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
