import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  request,
} from "node:http";
import type { AddressInfo } from "node:net";

/** What stands before something else. */
export interface Front {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves on a free loopback port. */
export async function serve(handle: RequestListener): Promise<Front> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * What a platform puts before a function: it hands requests on, or refuses them itself.
 *
 * @param target where to, beside method, path and headers
 * @param admit returns the headers to hand on, or the status with which the platform refuses
 */
export function servePlatform(
  target: RequestOptions,
  admit: (incoming: IncomingMessage) => Promise<IncomingHttpHeaders | number>,
): Promise<Front> {
  return serve(async (incoming, outgoing) => {
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
}
