import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPrivateFetch } from "../../core/private-fetch.ts";
import { listen, urlOf } from "../../core/server/listen.ts";

let folder: string;
let server: Server;
let url: string;
let seen: (string | undefined)[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "private-fetch-"));
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

test("reads the token anew for each request", async () => {
  seen = [];
  answer = (_request, response) => response.end("{}");
  const fetch = createPrivateFetch({ tokenFile: tokenFile() });
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
  const response = await createPrivateFetch({ tokenFile: tokenFile() })(url);
  expect([response.status, response.headers.get("location"), seen.length]).toEqual([302, "/elsewhere", 1]);
});

test("sends a method, headers and a body", async () => {
  answer = (request, response) => {
    request.pipe(response.setHeader("x-seen", `${request.method} ${request.headers["content-type"]}`));
  };
  const response = await createPrivateFetch({})(url, {
    method: "PUT",
    headers: { "content-type": "text/plain" },
    body: "süß",
  });
  expect([response.headers.get("x-seen"), await response.text()]).toEqual(["PUT text/plain", "süß"]);
});

test.each([204, 304])("answers %i, which has no body", async (status) => {
  answer = (_request, response) => response.writeHead(status).end();
  expect((await createPrivateFetch({})(url)).status).toBe(status);
});

test("gives up an answer without end", async () => {
  answer = (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on("drain", more);
    more();
  };
  await expect(createPrivateFetch({})(url)).rejects.toThrow(/answered more than 2097152 bytes/);
});

test("an answer that breaks off is an error, and so is a signal", async () => {
  answer = (_request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("{");
    setImmediate(() => response.destroy());
  };
  await expect(createPrivateFetch({})(url)).rejects.toThrow();
  answer = () => {};
  const controller = new AbortController();
  const waiting = createPrivateFetch({})(url, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
});

test("sends nothing when a file is not there", async () => {
  seen = [];
  await expect(createPrivateFetch({ tokenFile: join(folder, "none") })(url)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(createPrivateFetch({ caFile: join(folder, "none") })(url)).rejects.toMatchObject({ code: "ENOENT" });
  expect(seen).toEqual([]);
});
