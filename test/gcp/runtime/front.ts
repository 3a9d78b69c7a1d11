import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import type { GcpEmulator } from "../../emulators/gcp/index.ts";
import type { Address } from "../handler/functions.ts";

/** What stands before a function on Cloud Run, as its documentation describes it. */
export interface Front {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Asks IAM who may invoke the function, and hands on what they send: where `X-Serverless-Authorization` is there, it alone
 * is looked at; the token that was verified loses its signature, and nothing else of the request changes.
 *
 * @param invokers e-mail addresses that have `run.routes.invoke`; `allUsers` lets everything through as it is
 */
export async function startFront(
  gcp: GcpEmulator,
  target: Address,
  invokers: "allUsers" | readonly string[],
): Promise<Front> {
  const keys = createLocalJWKSet(gcp.world.idTokens.keys() as JSONWebKeySet);
  let url = "";

  /** @returns the headers to hand on, or the status with which the platform refuses */
  async function admit({ headers }: IncomingMessage): Promise<IncomingMessage["headers"] | 401 | 403> {
    if (invokers === "allUsers") return headers;
    const name = headers["x-serverless-authorization"] === undefined ? "authorization" : "x-serverless-authorization";
    const token = /^Bearer (\S+)$/i.exec(String(headers[name] ?? ""))?.[1];
    if (token === undefined) return 403;
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: "https://accounts.google.com", audience: url });
      if (!invokers.includes(String(payload.email))) return 403;
    } catch {
      return 401;
    }
    return { ...headers, [name]: `Bearer ${token.replace(/[^.]*$/, "SIGNATURE_REMOVED_BY_GOOGLE")}` };
  }

  const server = createServer(async (incoming, outgoing) => {
    const headers = await admit(incoming);
    if (typeof headers === "number") {
      incoming.resume();
      outgoing.writeHead(headers, { "content-type": "text/html" }).end("<title>The platform refuses</title>");
      return;
    }
    const onward = request({ ...target, method: incoming.method, path: incoming.url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
