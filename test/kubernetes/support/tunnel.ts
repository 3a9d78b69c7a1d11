import { createServer, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { listen, urlOf } from "../../../oci/http/listening.ts";

export interface TunnelProxy {
  readonly url: string;
  /** The places to which tunnels were opened, in order. */
  readonly tunnels: readonly string[];
  /** Whether a connection at a server, by its remote port, came out of one of the tunnels. */
  opened(remotePort: number | undefined): boolean;
}

/** A proxy that opens tunnels (RFC 9110, 9.3.6), as a company has it before the internet. It ends with the test. */
export async function startTunnelProxy(): Promise<TunnelProxy> {
  const tunnels: string[] = [];
  const ports = new Set<number | undefined>();
  const ends = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    const { hostname, port } = new URL(`http://${request.url}`);
    tunnels.push(String(request.url));
    const onward = connect(Number(port), hostname, () => {
      ports.add(onward.localPort);
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [onward, socket]) {
      ends.add(each);
      each.on("error", () => each.destroy());
    }
  });
  await listen(server, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    for (const each of ends) each.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { url: urlOf(server, "127.0.0.1"), tunnels, opened: (port) => ports.has(port) };
}
