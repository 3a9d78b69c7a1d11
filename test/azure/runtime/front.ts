import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { type Application, type AzureEmulator, clientPrincipalHeaders } from "../../emulators/azure/index.ts";

/** What stands before a function app, as the documentation of App Service authentication describes it. */
export interface Front {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Lets requests through with a token of the tenant's for the application, and tells the function of it in headers that it
 * takes away from everybody else. By default every principal of the tenant passes.
 *
 * @param application absent where authentication is off: then everything passes as it is
 */
export async function startFront(azure: AzureEmulator, target: string, application?: Application): Promise<Front> {
  const keys = createLocalJWKSet(azure.world.entra.signer.keys() as JSONWebKeySet);
  const excluded = ["/healthz", "/openapi.json"];

  /** @returns the headers to hand on, or the status with which the platform refuses */
  async function admit({ headers, url }: IncomingMessage): Promise<IncomingMessage["headers"] | 401> {
    if (application === undefined) return headers;
    const own = Object.entries(headers).filter(([name]) => !name.startsWith("x-ms-client-principal"));
    const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (token === undefined) return excluded.includes(url ?? "") ? Object.fromEntries(own) : 401;
    try {
      await jwtVerify(token, keys, { audience: application.clientId });
    } catch {
      return 401;
    }
    return { ...Object.fromEntries(own), ...clientPrincipalHeaders(token) };
  }

  const server = createServer(async (incoming, outgoing) => {
    const headers = await admit(incoming);
    if (typeof headers === "number") {
      incoming.resume();
      outgoing.writeHead(headers, { "content-type": "text/html" }).end("<title>The platform refuses</title>");
      return;
    }
    const onward = request(new URL(incoming.url ?? "/", target), { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
