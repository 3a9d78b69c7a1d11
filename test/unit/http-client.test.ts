import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createHttpClient, type HttpClientOptions } from "../../core/http-client.ts";
import { listen, urlOf } from "../../oci/http/listening.ts";
import { type Authority, createAuthority } from "../emulators/azure/http/certificates.ts";
import { type Listening, listen as listenTls } from "../emulators/azure/http/listen.ts";

let folder: string;
let server: Server;
let url: string;
let seen: (string | undefined)[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "http-client-"));
  server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    answer(request, response);
  });
  await listen(server, { host: "127.0.0.1", port: 0 });
  url = urlOf(server, "127.0.0.1");
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});
const tokenFile = () => join(folder, "token");
const createFetch = (options: HttpClientOptions) => createHttpClient(options).fetch;

test("reads the token anew for each request", async () => {
  seen = [];
  answer = (_request, response) => response.end("{}");
  const fetch = createFetch({ tokenFile: tokenFile() });
  for (const token of ["one", "two\n"]) {
    writeFileSync(tokenFile(), token);
    expect(await (await fetch(url)).json()).toEqual({});
  }
  expect(seen).toEqual(["Bearer one", "Bearer two"]);
});

test("follows no redirect: the token stays with the host that was named", async () => {
  seen = [];
  writeFileSync(tokenFile(), "one");
  answer = (_request, response) => response.writeHead(302, { location: "/elsewhere" }).end();
  const response = await createFetch({ tokenFile: tokenFile() })(url);
  expect([response.status, response.headers.get("location"), seen.length]).toEqual([302, "/elsewhere", 1]);
  expect(response.url).toBe(url);
});

test("sends a method, headers and a body", async () => {
  answer = (request, response) => {
    request.pipe(response.setHeader("x-seen", `${request.method} ${request.headers["content-type"]}`));
  };
  const response = await createFetch({})(url, {
    method: "PUT",
    headers: { "content-type": "text/plain" },
    body: "süß",
  });
  expect([response.headers.get("x-seen"), await response.text()]).toEqual(["PUT text/plain", "süß"]);
});

test.each([204, 304])("answers %i, which has no body", async (status) => {
  answer = (_request, response) => response.writeHead(status).end();
  expect((await createFetch({})(url)).status).toBe(status);
});

test("gives up an answer without end", async () => {
  answer = (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on("drain", more);
    more();
  };
  await expect(createHttpClient().request(url)).rejects.toThrow(/more than 2097152 bytes/);
  const response = await createFetch({})(url);
  await expect(response.text()).rejects.toThrow(/more than 2097152 bytes/);
});

test("an answer that breaks off is an error, and so is a signal", async () => {
  answer = (_request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("{");
    setImmediate(() => response.destroy());
  };
  await expect(createHttpClient().request(url)).rejects.toThrow();
  await expect(createFetch({})(url).then((response) => response.text())).rejects.toThrow();
  answer = () => {};
  const controller = new AbortController();
  const waiting = createFetch({})(url, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
});

test("sends nothing when a file is not there", async () => {
  seen = [];
  await expect(createFetch({ tokenFile: join(folder, "none") })(url)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(createFetch({ caFile: join(folder, "none") })(url)).rejects.toMatchObject({ code: "ENOENT" });
  expect(seen).toEqual([]);
});

test("answers without the Fetch standard: status, headers and bytes", async () => {
  answer = (_request, response) => response.setHeader("x-one", "1").end("bytes");
  const { status, headers, body } = await createHttpClient().request(url);
  expect([status, headers["x-one"], body.toString()]).toEqual([200, "1", "bytes"]);
});

/** Counts the connections that a server sees while a test runs. */
function countConnections(of: Server): () => number {
  let count = 0;
  of.on("connection", () => count++);
  return () => count;
}

test("keeps its connection for the next request, and opens no more than it may", async () => {
  answer = (_request, response) => response.end("{}");
  const connections = countConnections(server);
  const client = createHttpClient({ connections: 2 });
  for (let n = 0; n < 3; n++) await client.request(url);
  expect(connections()).toBe(1);
  await Promise.all(Array.from({ length: 20 }, () => client.request(url)));
  expect(connections()).toBe(2);
});

test.each<[string, string, number, string]>([
  ["HEAD", "an answer to HEAD", 200, ""],
  ["GET", "an answer of no bytes", 200, ""],
  ["POST", "202 without a body", 202, ""],
  ["DELETE", "204", 204, ""],
  ["GET", "a small answer", 200, "{}"],
  ["GET", "a refusal", 404, '{"errors":[]}'],
])("%s: %s frees its connection, even if nobody reads it", async (method, _what, status, body) => {
  answer = (_request, response) => response.writeHead(status, { "content-length": body.length }).end(body);
  const fetch = createFetch({ connections: 1 });
  for (let n = 0; n < 5; n++) expect((await fetch(url, { method })).status).toBe(status);
});

describe("a kept connection that the server has closed", () => {
  /** The first request keeps its connection; what comes over it next is cut off without an answer. */
  function cutOffNext() {
    const used = new WeakSet<object>();
    const methods: (string | undefined)[] = [];
    answer = (request, response) => {
      methods.push(request.method);
      if (used.has(request.socket)) request.socket.destroy();
      else response.end("{}");
      used.add(request.socket);
    };
    return methods;
  }

  test("is replaced for a GET", async () => {
    const methods = cutOffNext();
    const client = createHttpClient();
    for (let n = 0; n < 2; n++) expect((await client.request(url)).status).toBe(200);
    expect(methods).toEqual(["GET", "GET", "GET"]);
  });

  test("fails a POST, which may have been applied", async () => {
    const methods = cutOffNext();
    const client = createHttpClient();
    const post = () => client.request(url, { method: "POST", body: "x" });
    await post();
    await expect(post()).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(methods).toEqual(["POST", "POST"]);
  });
});

describe("TLS", () => {
  let authority: Authority;
  let secure: Listening;
  const connections = new Set<object>();
  beforeAll(async () => {
    authority = await createAuthority();
    secure = await listenTls((request, response) => {
      connections.add(request.socket);
      response.end("secret");
    }, authority.server);
  });
  afterAll(() => secure.close());
  const caFile = () => join(folder, "ca.crt");

  test("trusts the CAs of the file, and nobody without it", async () => {
    writeFileSync(caFile(), authority.ca);
    expect((await createHttpClient({ caFile: caFile() }).request(secure.url)).body.toString()).toBe("secret");
    await expect(createHttpClient().request(secure.url)).rejects.toMatchObject({
      code: expect.stringMatching(/SIGNATURE|CERT/),
    });
  });

  test("a CA file that was changed counts from the next request on, for kept connections too", async () => {
    writeFileSync(caFile(), authority.ca);
    const client = createHttpClient({ caFile: caFile() });
    connections.clear();
    await client.request(secure.url);
    await client.request(secure.url);
    expect(connections.size).toBe(1);
    writeFileSync(caFile(), (await createAuthority()).ca);
    await expect(client.request(secure.url)).rejects.toMatchObject({ code: expect.stringMatching(/CERT|SIGNATURE/) });
    writeFileSync(caFile(), authority.ca);
    expect((await client.request(secure.url)).status).toBe(200);
  });

  test("a server that takes the connection and says nothing is given up", async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const client = createHttpClient({ connectMs: 20 });
    await expect(client.request(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "ETIMEDOUT" });
    silent.close();
  });

  describe("through a proxy", () => {
    let proxy: Server;
    let asked: string[] = [];
    beforeAll(async () => {
      // Answers plain requests by itself, and joins the two ends of a tunnel.
      proxy = createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.end("from the proxy");
      });
      proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
        asked.push(`CONNECT ${request.url}`);
        const onward = connectTcp(Number(new URL(secure.url).port), "127.0.0.1", () => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n");
          onward.pipe(socket).pipe(onward);
        });
      });
      await listen(proxy, { host: "127.0.0.1", port: 0 });
    });
    afterAll(() => {
      proxy.closeAllConnections();
      proxy.close();
    });

    test.each(["HTTP_PROXY", "http_proxy"])("%s is asked for plain requests", async (name) => {
      asked = [];
      const client = createHttpClient({ env: { [name]: urlOf(proxy, "127.0.0.1") } });
      expect((await client.request("http://registry.example/v2/?n=1")).body.toString()).toBe("from the proxy");
      expect(asked).toEqual(["GET http://registry.example/v2/?n=1"]);
    });

    test.each(["HTTPS_PROXY", "https_proxy"])(
      "%s opens a tunnel, and the certificate is still the server's",
      async (name) => {
        asked = [];
        writeFileSync(caFile(), authority.ca);
        const env = { [name]: urlOf(proxy, "127.0.0.1") };
        expect((await createHttpClient({ env, caFile: caFile() }).request(secure.url)).body.toString()).toBe("secret");
        await expect(createHttpClient({ env }).request(secure.url)).rejects.toThrow();
        expect(asked).toEqual(Array(2).fill(`CONNECT ${new URL(secure.url).host}`));
      },
    );

    test("NO_PROXY names the hosts that are asked directly", async () => {
      asked = [];
      answer = (_request, response) => response.end("direct");
      const proxies = { HTTP_PROXY: urlOf(proxy, "127.0.0.1"), HTTPS_PROXY: urlOf(proxy, "127.0.0.1") };
      for (const NO_PROXY of ["127.0.0.1", "other.example,127.0.0.1", "*"]) {
        const client = createHttpClient({ env: { ...proxies, NO_PROXY } });
        expect((await client.request(url)).body.toString()).toBe("direct");
      }
      expect(asked).toEqual([]);
    });

    test("the process's own variables count only where they are passed", async () => {
      asked = [];
      answer = (_request, response) => response.end("direct");
      vi.stubEnv("HTTP_PROXY", urlOf(proxy, "127.0.0.1"));
      expect((await createHttpClient().request(url)).body.toString()).toBe("direct");
      vi.unstubAllEnvs();
      expect(asked).toEqual([]);
    });
  });
});

describe("a body that is a stream", () => {
  async function* parts() {
    for (let index = 0; index < 3; index++) yield Buffer.alloc(100_000, index);
  }
  const streaming = (body: AsyncIterable<Uint8Array>, headers: Record<string, string> = {}) =>
    createFetch({})(url, { method: "PUT", headers, body: body as never, duplex: "half" });

  test.each([
    ["with the length that its sender knows", { "content-length": "300000" }, "300000 undefined"],
    ["in chunks, if nobody knows the length", {}, "undefined chunked"],
  ])("is sent %s", async (_, headers, framing) => {
    answer = async (request, response) => {
      let size = 0;
      for await (const chunk of request) size += (chunk as Buffer).length;
      response.end(`${size} ${request.headers["content-length"]} ${request.headers["transfer-encoding"]}`);
    };
    expect(await (await streaming(parts(), headers)).text()).toBe(`300000 ${framing}`);
  });

  test("that fails ends the request with its own error", async () => {
    answer = (request, response) => request.resume().on("end", () => response.end("whole"));
    async function* broken() {
      yield Buffer.alloc(10);
      throw new Error("the source broke");
    }
    await expect(streaming(broken(), { "content-length": "20" })).rejects.toThrow("the source broke");
  });
});
