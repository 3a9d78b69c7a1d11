import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, send } from "../../../conformance/judge/http.ts";
import { type CommonFault, Faults, type Recorded } from "../../../emulators/faults.ts";

/** One request that came by. */
export interface Passed extends Recorded {
  readonly service: "registry" | "token";
  /** As `HEAD manifest`. */
  readonly action: string;
  readonly url: string;
  readonly authorization: string | undefined;
}

export interface Instead {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** What a front does beside what every service may do wrong. */
type OwnFault =
  /** It is not done, and answered so. */
  | ({ readonly kind: "instead" } & Instead)
  /** It is done, and the answer's header is changed. */
  | { readonly kind: "header"; readonly name: string; readonly value: string };
export type FrontFault = CommonFault | OwnFault;

export interface Front {
  readonly url: string;
  readonly passed: readonly Passed[];
  readonly faults: Faults<OwnFault, Passed>;
  stop(): Promise<void>;
}

/** Stands before a real registry, notes what comes by, and misbehaves when told. */
export async function startFront(upstream: string): Promise<Front> {
  const passed: Passed[] = [];
  const faults = new Faults<OwnFault, Passed>();
  const underWay = new Set<Promise<void>>();
  const server = createServer((req, res) => {
    const one = pass(req, res).finally(() => underWay.delete(one));
    underWay.add(one);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await bodyOf(req);
    const { method = "GET", url = "/" } = req;
    const call: Passed = { ...classify(method, url), url, authorization: req.headers.authorization };
    passed.push(call);
    await faults.run<Instead>(call, {
      refusal: refusalOf,
      async serve(fault) {
        if (fault?.kind === "answer") return { status: 200, body: JSON.stringify(fault.output) };
        const answer = await forward(upstream, req, body);
        return fault?.kind === "header"
          ? { ...answer, headers: { ...answer.headers, [fault.name]: fault.value } }
          : answer;
      },
      refuse(error) {
        if (error instanceof Refusal) return { answer: error.answer, code: String(error.answer.status) };
        throw error;
      },
      send: ({ status, headers = {}, body: content }) => {
        call.outcome = String(status);
        res.writeHead(status, { ...headers });
        res.end(method === "HEAD" ? undefined : content);
      },
      cut: () => res.destroy(),
    });
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    faults,
    async stop() {
      server.closeAllConnections();
      // What is late is still on its way to the registry.
      await Promise.allSettled(underWay);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Refusal extends Error {
  readonly answer: Instead;

  constructor(answer: Instead) {
    super("refused");
    this.answer = answer;
  }
}

function refusalOf(fault: FrontFault): Refusal | undefined {
  if (fault.kind === "throttle") {
    return new Refusal({ status: 429, headers: { "retry-after": String(fault.retryAfterSeconds ?? 0) } });
  }
  if (fault.kind === "failure") return new Refusal({ status: fault.status ?? 500 });
  return fault.kind === "instead" ? new Refusal(fault) : undefined;
}

const places: readonly [RegExp, string][] = [
  [/^\/v2\/$/, "/v2/"],
  [/\/_catalog$/, "catalog"],
  [/\/tags\/list$/, "tags"],
  [/\/blobs\/uploads\//, "upload"],
  [/\/blobs\//, "blob"],
  [/\/referrers\//, "referrers"],
  [/\/manifests\//, "manifest"],
];

function classify(method: string, url: string): { service: Passed["service"]; action: string } {
  const { pathname } = new URL(url, "http://front");
  if (!pathname.startsWith("/v2/")) return { service: "token", action: method };
  const place = places.find(([pattern]) => pattern.test(pathname))?.[1] ?? "other";
  return { service: "registry", action: `${method} ${place}` };
}

async function forward(upstream: string, req: IncomingMessage, body: Buffer): Promise<Instead> {
  const { connection: _, "transfer-encoding": __, "content-length": length, ...headers } = req.headers;
  const answer: Answer = await send(req.method ?? "GET", `${upstream}${req.url}`, {
    headers,
    ...((length !== undefined || body.length > 0) && { body }),
  });
  const { connection: ___, "transfer-encoding": ____, ...back } = answer.headers;
  return { status: answer.status, headers: back as Record<string, string>, body: answer.body };
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
