import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, urlOf } from "../../../oci/http/listening.ts";
import { createAuthority } from "../../emulators/azure/http/certificates.ts";
import { listen as listenTls } from "../../emulators/azure/http/listen.ts";

/** A network as companies have it: the function has a name that only the proxy knows, and a certificate of the company's own CA. */
export interface CompanyNetwork {
  /** Where the function is, behind the proxy. */
  readonly url: string;
  readonly proxyUrl: string;
  /** PEM file of the company's CA. */
  readonly caFile: string;
  /** What the proxy was asked for since the last call of this. */
  asked(): readonly string[];
  stop(): Promise<void>;
}

const host = "functions.example";

/** @param upstream the function itself, on loopback */
export async function openCompanyNetwork(upstream: string): Promise<CompanyNetwork> {
  const folder = await mkdtemp(join(tmpdir(), "company-network-"));
  const authority = await createAuthority([host]);
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.ca);
  const secure = await listenTls((incoming, outgoing) => {
    const { method, headers } = incoming;
    const onward = request(`${upstream}${incoming.url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  }, authority.server);
  let asked: string[] = [];
  const ends = new Set<Socket>();
  const proxy = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    outgoing.writeHead(502).end();
  });
  proxy.on("connect", (incoming: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const onward = connect(Number(new URL(secure.url).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [onward, socket]) {
      ends.add(each);
      each.on("error", () => each.destroy());
    }
  });
  await listen(proxy, { host: "127.0.0.1", port: 0 });
  return {
    url: `https://${host}`,
    proxyUrl: urlOf(proxy, "127.0.0.1"),
    caFile,
    asked() {
      const before = asked;
      asked = [];
      return before;
    },
    async stop() {
      for (const each of ends) each.destroy();
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await secure.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
