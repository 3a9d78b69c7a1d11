import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Certificate } from "../../emulators/azure/http/certificates.ts";

/** A server in a cloud's place. It answers without thinking, so that only the function's own time is measured. */
export interface Stub {
  readonly url: string;
  readonly host: string;
  stop(): void;
}

/** How far away it is, in milliseconds for each request, and its certificate if it speaks TLS. */
export interface StubOptions {
  readonly latencyMs?: number;
  readonly certificate?: Certificate | undefined;
}

export async function startStub(
  answer: (request: Parameters<RequestListener>[0], body: string) => { readonly type: string; readonly body: string },
  { latencyMs = 0, certificate }: StubOptions = {},
): Promise<Stub> {
  const listener: RequestListener = (request, response) => {
    let asked = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      asked += chunk;
    });
    request.on("end", () => {
      const { type, body } = answer(request, asked);
      const send = () => response.writeHead(200, { "content-type": type, "metadata-flavor": "Google" }).end(body);
      if (latencyMs > 0) setTimeout(send, latencyMs);
      else send();
    });
  };
  const server = certificate ? createSecureServer(certificate, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `${certificate ? "https" : "http"}://${host}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
