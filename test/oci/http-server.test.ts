import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHttpServer, type HttpServerOptions } from "../../oci/http/server.ts";
import { answersIn, sendBytes } from "../bytes/wire.ts";

const refusal: HttpServerOptions["refusal"] = (status, message) => ({
  headers: { "X-Refused": "yes" },
  body: `${status} ${message}`,
});

type Listener = Parameters<typeof createHttpServer>[1];

/** A server of this test's own. @returns what it was told has failed, and its address */
async function start(listener: Listener, options: Partial<HttpServerOptions> = {}) {
  const failures: unknown[] = [];
  const server = createHttpServer({ refusal, failed: (error) => void failures.push(error), ...options }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { server, failures, address: { host: "127.0.0.1", port } };
}

const get = (target: string, more = "") => `GET ${target} HTTP/1.1\r\nHost: here\r\n${more}\r\n`;
const last = (target: string) => get(target, "Connection: close\r\n");

describe("the listener", () => {
  test.each([
    ["/a?b=c", "here", "/a?b=c here"],
    ["http://there:1/a?b=c", "here", "/a?b=c there:1"],
    ["HTTPS://there?b", "here", "/?b there"],
    ["http://there", "here", "/ there"],
    ["//", "here", "// here"],
  ])("of a request for %s at %s sees a path, and the host that counts", async (target, _host, seen) => {
    const { address } = await start((request, response) => response.end(`${request.url} ${request.headers.host}`));
    expect(answersIn(await sendBytes(address, [last(target)], "read"))).toMatchObject([{ status: 200, body: seen }]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("a bug");
      },
    ],
    [
      "rejects later",
      async () => {
        await new Promise(setImmediate);
        throw new Error("a bug");
      },
    ],
  ] satisfies [string, Listener][])("that %s is answered for, and the next request is served", async (_how, fails) => {
    const { address, failures } = await start((request, response) =>
      request.url === "/fails" ? fails() : response.end("well"),
    );
    const answers = answersIn(await sendBytes(address, [get("/fails"), last("/")], "read"));
    expect(answers).toMatchObject([
      { status: 500, headers: { "x-refused": "yes" } },
      { status: 200, body: "well" },
    ]);
    // What went wrong is told to whoever runs the server, and to no client.
    expect(failures).toEqual([new Error("a bug")]);
    expect(JSON.stringify(answers)).not.toContain("a bug");
  });

  test("that writes after the end is told of it, and the answer stands", async () => {
    const { address, failures } = await start((_request, response) => {
      response.end("well");
      response.write("more");
    });
    expect(
      answersIn(await sendBytes(address, [get("/", "Expect: 100-continue\r\n"), last("/")], "read")),
    ).toMatchObject([{ status: 100 }, { status: 200, body: "well" }, { status: 200, body: "well" }]);
    expect(failures).toMatchObject([{ code: "ERR_STREAM_WRITE_AFTER_END" }, { code: "ERR_STREAM_WRITE_AFTER_END" }]);
  });

  test("that fails in the middle of an answer breaks the connection, so that nobody takes the half for the whole", async () => {
    const { address, failures } = await start(async (_request, response) => {
      await new Promise<void>((resolve) => response.write("half", () => resolve()));
      throw new Error("a bug");
    });
    expect(await sendBytes(address, [get("/")], "read")).toMatch(/^HTTP\/1.1 200 OK\r\n(?:.*\r\n)*half\r\n$/);
    expect(failures).toEqual([new Error("a bug")]);
  });
});

describe("what is no request", () => {
  test("behind an answer that has begun is not answered, since that would tear the answer apart", async () => {
    const { address } = await start((_request, response) => {
      response.write("half");
      client.write("nonsense\r\n\r\n");
    });
    let received = "";
    const client: Socket = connect(address);
    client.on("data", (chunk) => {
      received += chunk;
    });
    client.write(get("/"));
    await new Promise((resolve) => client.once("close", resolve));
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n(?:.*\r\n)*half\r\n$/);
  });

  test("because its headers never come is refused in time, also where a body may take as long as it likes", async () => {
    const options = { requestTimeout: 0, headersTimeout: 50, connectionsCheckingInterval: 10 };
    const { address } = await start(() => expect.unreachable(), options);
    const received = await sendBytes(address, ["GET / HTTP/1.1\r\nHost: here\r\n"], "read");
    expect(answersIn(received)).toMatchObject([{ status: 408, headers: { "x-refused": "yes", connection: "close" } }]);
    expect((await start(() => undefined, { requestTimeout: 0 })).server.headersTimeout).toBe(60_000);
  });
});

describe("a connection that ends", () => {
  const ends: Record<string, (client: Socket) => void> = {
    "is broken": (client) => client.resetAndDestroy(),
    "is closed": (client) => client.destroy(),
    "wants to become a tunnel": (client) => client.write("CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n"),
    "sends nonsense": (client) => client.write("nonsense\r\n\r\n"),
  };
  test.each(Object.entries(ends))("because it %s ends every answer that it still waits for", async (_how, end) => {
    const closed: string[] = [];
    const all = Promise.withResolvers<void>();
    const { address } = await start((request: IncomingMessage, response: ServerResponse) => {
      response.once("close", () => closed.push(request.url ?? ""));
      if (request.url === "/3") all.resolve();
    });
    const client = connect(address);
    client.on("error", () => undefined);
    client.write(get("/1") + get("/2") + get("/3"));
    await all.promise;
    end(client);
    await expect.poll(() => closed.sort()).toEqual(["/1", "/2", "/3"]);
    client.destroy();
  });
});

test("a connection on which nothing has come is idle, and no stop waits for it", async () => {
  const { server, address } = await start((_request, response) => response.end());
  const connected = new Promise<void>((resolve) => server.once("connection", () => resolve()));
  const client = connect(address);
  const closed = new Promise((resolve) => client.once("close", resolve));
  await connected;
  await new Promise((resolve) => server.close(resolve));
  await closed;
});
