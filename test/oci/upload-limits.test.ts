import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { answersIn } from "../bytes/wire.ts";
import { ask, type Client, makeImage, pushBlob, pushImage, putManifest, type Send, startRegistry } from "./support.ts";

const scope = (name: string) => `repository:${name}:pull,push`;

/** Opens a session. @returns its path */
async function open(send: Send, name: string): Promise<string> {
  const { status, headers } = await send("POST", `/v2/${name}/blobs/uploads/`);
  expect(status).toBe(202);
  return String(headers.location);
}

const isOpen = async (send: Send, path: string) => (await send("GET", path)).status === 204;

/** A chunk that has begun, and ends when it is told to. */
async function beginChunk(send: Send, path: string) {
  const body = new Readable({ read: () => undefined });
  body.push("a");
  const answer = send("PATCH", path, { body, headers: { "Transfer-Encoding": "chunked" } });
  // While a request writes to it, nobody else may.
  await expect.poll(async () => (await send("PATCH", path)).status, { interval: 5 }).toBe(409);
  return {
    async end() {
      body.push(null);
      expect((await answer).status).toBe(202);
    },
  };
}

/** Sends bytes on a connection of its own. `ended` resolves with what has come when nothing more will. */
async function begin({ url }: Client, text: string): Promise<{ ended: Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let received = "";
  socket
    .on("error", () => undefined)
    .on("data", (chunk) => {
      received += chunk;
    });
  const ended = new Promise<string>((resolve) => socket.once("close", () => resolve(received)));
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return { ended };
}

/** A request that lacks the last byte of its body. */
const withoutEnd = (head: string, bytes: number) =>
  `${head}Host: here\r\nContent-Length: ${bytes + 1}\r\n\r\n${"a".repeat(bytes)}`;

describe("a holder with as many sessions as one may have", () => {
  const uploadLimits = { ofHolder: 3, ofAll: 100 };

  test("loses the one that has been idle longest, with its file, and nobody else loses any", async () => {
    const client = await startRegistry({ uploadLimits });
    const [send, other] = [client.as(scope("a")), client.as(scope("a"))];
    const [first, second, third] = [await open(send, "a"), await open(send, "a"), await open(send, "a")];
    const others = await open(other, "a");
    expect((await send("PATCH", second, { body: "more" })).status).toBe(202);
    expect((await send("PATCH", first, { body: "more" })).status).toBe(202);
    const files = () => readdir(`${client.dataDir}/uploads`);
    expect(await files()).toHaveLength(2);
    // The third has not been touched since it began; then the second.
    const fourth = await open(send, "a");
    expect(await isOpen(send, third)).toBe(false);
    await open(send, "a");
    expect(await isOpen(send, second)).toBe(false);
    await expect.poll(files).toEqual([first.split("/").at(-1)]);
    expect(await isOpen(send, first)).toBe(true);
    expect(await isOpen(send, fourth)).toBe(true);
    expect(await isOpen(other, others)).toBe(true);
  });

  test("is the same one behind every token that its credential is exchanged for, and another in each repository", async () => {
    const client = await startRegistry({ uploadLimits });
    const password = client.token(`${scope("a")} ${scope("b")}`);
    const authorization = `Basic ${Buffer.from(`token:${password}`).toString("base64")}`;
    const exchanged = async (name: string): Promise<Send> => {
      const url = `${client.url}/token?service=registry&scope=${scope(name)}`;
      const { token } = JSON.parse((await ask("GET", url, { headers: { authorization } })).body.toString());
      return (method, path, options = {}) =>
        ask(method, `${client.url}${path}`, { ...options, headers: { authorization: `Bearer ${token}` } });
    };
    const first = await open(await exchanged("a"), "a");
    const elsewhere = await open(await exchanged("b"), "b");
    for (let i = 0; i < 3; i++) await open(await exchanged("a"), "a");
    expect(await isOpen(await exchanged("a"), first)).toBe(false);
    expect(await isOpen(await exchanged("b"), elsewhere)).toBe(true);
  });

  test("is told to wait where requests write to all of them, and may push whole blobs meanwhile", async () => {
    const client = await startRegistry({ uploadLimits });
    const send = client.as(scope("a"));
    const chunks = [];
    for (let i = 0; i < 3; i++) chunks.push(await beginChunk(send, await open(send, "a")));
    const refused = await send("POST", "/v2/a/blobs/uploads/");
    expect([refused.status, refused.code, refused.headers["retry-after"]]).toEqual([429, "TOOMANYREQUESTS", "1"]);
    expect((await pushBlob(send, "a", "whole")).status).toBe(201);
    expect((await pushBlob(client.as(scope("a")), "a", "another's")).status).toBe(201);
    await open(client.as(scope("a")), "a");
    await chunks[0]?.end();
    await open(send, "a");
    for (const chunk of chunks.slice(1)) await chunk.end();
  });
});

test("when there are as many sessions as may be, who has most of them makes room", async () => {
  const client = await startRegistry({ uploadLimits: { ofHolder: 4, ofAll: 5 } });
  const [many, few, late] = [client.as(scope("a")), client.as(scope("b")), client.as(scope("c"))];
  const fews = [await open(few, "b")];
  const manys = [];
  for (let i = 0; i < 4; i++) manys.push(await open(many, "a"));
  const lates = [await open(late, "c"), await open(late, "c")];
  fews.push(await open(few, "b"));
  expect(await Promise.all(manys.map((path) => isOpen(many, path)))).toEqual([false, false, false, true]);
  expect(await Promise.all(fews.map((path) => isOpen(few, path)))).toEqual([true, true]);
  expect(await Promise.all(lates.map((path) => isOpen(late, path)))).toEqual([true, true]);
});

describe("when manifests that do not end fill their memory", () => {
  test("the one that has been coming longest goes, and others push beside them", async () => {
    // Of each 32 KiB are free, so that two of 60 KiB fit.
    const client = await startRegistry({ manifestBytes: 64 * 1024 });
    const put = `PUT /v2/a/manifests/latest HTTP/1.1\r\nAuthorization: Bearer ${client.token(scope("a"))}\r\n`;
    const sent = [];
    for (let i = 0; i < 3; i++) sent.push(await begin(client, withoutEnd(put, 60 * 1024)));
    const [answer] = answersIn(await Promise.any(sent.map(({ ended }) => ended)));
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "1", connection: "close" } });
    expect(JSON.parse(answer?.body ?? "").errors[0].code).toBe("UNAVAILABLE");
    await pushImage(client.as(scope("b")), "b", "latest");
    // A large one has its place once it is there, and gives it back when it has been answered.
    for (let i = 0; i < 3; i++) {
      const large = makeImage([Buffer.from("layer")], { annotations: { a: "a".repeat(60 * 1024) } });
      const send = client.as(scope("b"));
      for (const blob of [large.config, ...large.layers]) await pushBlob(send, "b", blob);
      expect((await putManifest(send, "b", "large", large.manifest)).status).toBe(201);
    }
  });

  test("forms for the token endpoint do not take it, and make room for each other", async () => {
    const client = await startRegistry();
    const sent = [];
    for (let i = 0; i < 45; i++) sent.push(await begin(client, withoutEnd("POST /token HTTP/1.1\r\n", 60 * 1024)));
    const [answer] = answersIn(await Promise.any(sent.map(({ ended }) => ended)));
    expect(answer).toMatchObject({ status: 503 });
    const form = `grant_type=password&username=token&password=${client.token(scope("a"))}`;
    expect((await ask("POST", `${client.url}/token`, { body: form })).status).toBe(200);
    const large = makeImage([Buffer.from("layer")], { annotations: { a: "a".repeat(1_000_000) } });
    await pushImage(client.as(scope("a")), "a", "latest", large);
  });
});

test("connections on which nothing comes keep nobody from the registry", async () => {
  const client = await startRegistry({ connections: 4 });
  const sent = [];
  for (let i = 0; i < 10; i++) sent.push(await begin(client, "GET /v2/ HTTP/1.1\r\n"));
  const [answer] = answersIn(await Promise.any(sent.map(({ ended }) => ended)));
  expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
  expect((await client.as(scope("a"))("GET", "/v2/")).status).toBe(200);
});
