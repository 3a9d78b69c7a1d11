import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { listen } from "../../oci/http/listening.ts";
import { createHttpServer, type HttpServerOptions } from "../../oci/http/server.ts";
import { answersIn, sendBytes } from "../bytes/wire.ts";

const refusal: HttpServerOptions["refusal"] = (status, message) => ({ headers: {}, body: `${status} ${message}` });
const full = { status: 503, headers: { connection: "close" } };

async function start(options: Partial<HttpServerOptions>, listener?: Parameters<typeof createHttpServer>[1]) {
  const server = createHttpServer({ refusal, ...options }, listener ?? ((_request, response) => response.end("well")));
  await listen(server, { host: "127.0.0.1", port: 0 });
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return server;
}

const addressOf = (server: Server) => ({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });

/** A client that the server has accepted. `received` is all that has come, `ended` resolves with it when nothing more will. */
async function open(server: Server) {
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const socket = connect(addressOf(server));
  onTestFinished(() => void socket.destroy());
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => socket.once("close", () => resolve(received)));
  const [peer] = await accepted;
  /** Sends bytes, and waits until the server has read them. */
  const send = async (text: string) => {
    const until = peer.bytesRead + Buffer.byteLength(text);
    socket.write(text);
    await expect.poll(() => peer.bytesRead, { interval: 1 }).toBeGreaterThanOrEqual(until);
  };
  return { socket, peer, send, ended, received: () => received };
}

/** A client that has sent this. */
async function clientWith(server: Server, text: string) {
  const client = await open(server);
  await client.send(text);
  return client;
}

const head = (lines = "") => `POST / HTTP/1.1\r\nHost: here\r\n${lines}`;
const unfinished = (length = 100) => `${head(`Content-Length: ${length}\r\n`)}\r\na`;
const whole = ["GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"];

describe("when there are as many connections as may be", () => {
  test("the one that has waited longest for its headers goes, with an answer", async () => {
    const server = await start({ connections: 4 });
    const waiting = [];
    for (let i = 0; i < 4; i++) waiting.push(await clientWith(server, head()));
    expect(answersIn(await sendBytes(addressOf(server), whole, "read"))).toMatchObject([{ status: 200, body: "well" }]);
    expect(answersIn((await waiting[0]?.ended) ?? "")).toMatchObject([full]);
    expect(waiting.slice(1).map(({ socket }) => socket.closed)).toEqual([false, false, false]);
  });

  test("a kept connection that is idle ends without a word, since its client expects none", async () => {
    const server = await start({ connections: 4 });
    const idle = await clientWith(server, `${head("Content-Length: 0\r\n")}\r\n`);
    await expect.poll(idle.received).toContain("well");
    for (let i = 0; i < 4; i++) await clientWith(server, head());
    expect(answersIn(await idle.ended)).toMatchObject([{ status: 200 }]);
  });

  test("those whose bodies come keep three quarters of the places, and of them goes one on which nothing comes", async () => {
    const server = await start({ connections: 4 }, (request, response) => {
      request.resume().once("end", () => response.end("well"));
    });
    const [a, b, c, d] = [
      await clientWith(server, unfinished()),
      await clientWith(server, unfinished()),
      await clientWith(server, unfinished()),
      await clientWith(server, unfinished()),
    ];
    // Nobody has been looked at yet, so the first goes.
    expect(answersIn(await sendBytes(addressOf(server), whole, "read"))).toMatchObject([{ status: 200 }]);
    expect(answersIn(await a.ended)).toMatchObject([full]);
    const e = await clientWith(server, unfinished());
    await b.send("a");
    expect(answersIn(await sendBytes(addressOf(server), whole, "read"))).toMatchObject([{ status: 200 }]);
    expect(answersIn(await c.ended)).toMatchObject([full]);
    expect([b, d, e].map(({ socket }) => socket.closed)).toEqual([false, false, false]);
    // The one that goes on is answered as if nothing had been.
    await b.send("a".repeat(98));
    await expect.poll(b.received).toContain("well");
  });

  test("headers without end take no place from bodies", async () => {
    const server = await start({ connections: 4 }, () => undefined);
    const body = await clientWith(server, unfinished());
    const waiting = [];
    for (let i = 0; i < 10; i++) waiting.push(await clientWith(server, head()));
    expect(await Promise.all(waiting.slice(0, 7).map(({ ended }) => ended))).toHaveLength(7);
    expect(body.socket.closed).toBe(false);
  });

  test("a client that does not read its answer goes", async () => {
    const server = await start({ connections: 4 }, (request, response) => {
      response.end(request.url === "/large" ? Buffer.alloc(64 * 1024 * 1024) : "well");
    });
    const deaf = [];
    for (let i = 0; i < 4; i++) {
      const client = await open(server);
      client.socket.pause();
      client.socket.write("GET /large HTTP/1.1\r\nHost: here\r\n\r\n");
      await expect.poll(() => client.peer.writableLength).toBeGreaterThan(0);
      deaf.push(client);
    }
    expect(answersIn(await sendBytes(addressOf(server), whole, "read"))).toMatchObject([{ status: 200, body: "well" }]);
    expect(deaf.filter(({ peer }) => peer.destroyed)).toHaveLength(1);
  });

  test("and all of them have sent what they want, the new one is turned away", async () => {
    const asked: IncomingMessage[] = [];
    const server = await start({ connections: 4 }, (request) => void asked.push(request));
    const get = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
    const busy = [];
    for (let i = 0; i < 4; i++) busy.push(await clientWith(server, get));
    const late = await open(server);
    expect(answersIn(await late.ended)).toMatchObject([full]);
    expect(asked).toHaveLength(4);
    expect(busy.map(({ socket }) => socket.closed)).toEqual([false, false, false, false]);
  });
});

test("a request has at most 255 headers, and 16 KiB of them", async () => {
  const server = await start({});
  const status = async (lines: string) =>
    answersIn(await sendBytes(addressOf(server), [`${head(`Connection: close\r\n${lines}`)}\r\n`], "read"))[0]?.status;
  expect(await status("A: b\r\n".repeat(253))).toBe(200);
  expect(await status("A: b\r\n".repeat(254))).toBe(431);
  expect(await status(`A: ${"b".repeat(16 * 1024)}\r\n`)).toBe(431);
});

describe("when there is no more memory for bodies", () => {
  // Of each body 4 KiB are free, so that two of 8 KiB fill it.
  const bodies = { each: 8_192, bytes: 8_192 };
  const listener: Parameters<typeof createHttpServer>[1] = (request, response) => {
    request.resume().once("end", () => response.end("well"));
  };

  test("the body that has been coming longest goes", async () => {
    const server = await start({ bodies }, listener);
    const first = await clientWith(server, unfinished(8_192));
    // However long a body says that it is, and however it comes, it counts for what is read of it.
    const second = await clientWith(server, `${head("Transfer-Encoding: chunked\r\n")}\r\n1\r\na\r\n`);
    expect(first.socket.closed).toBe(false);
    const third = await clientWith(server, unfinished(1_000_000));
    expect(answersIn(await first.ended)).toMatchObject([full]);
    await second.send("0\r\n\r\n");
    await expect.poll(second.received).toContain("well");
    expect(third.socket.closed).toBe(false);
  });

  test("a small body neither goes nor makes another go", async () => {
    const server = await start({ bodies }, listener);
    const small = await clientWith(server, unfinished(4_096));
    const large = [await clientWith(server, unfinished(8_192)), await clientWith(server, unfinished(8_192))];
    await clientWith(server, unfinished(4_096));
    expect(large.map(({ socket }) => socket.closed)).toEqual([false, false]);
    await clientWith(server, unfinished(8_192));
    await large[0]?.ended;
    await small.send("a".repeat(4_095));
    await expect.poll(small.received).toContain("well");
  });

  test("a body that has been read, or is not wanted, counts no more", async () => {
    const server = await start({ bodies }, (request, response) =>
      request.url === "/unwanted" ? response.end("no") : listener(request, response),
    );
    const first = await clientWith(server, unfinished(8_192));
    for (let i = 0; i < 3; i++) {
      const sent = `${head("Content-Length: 8192\r\nConnection: close\r\n")}\r\n${"a".repeat(8_192)}`;
      expect(answersIn(await sendBytes(addressOf(server), [sent], "read"))).toMatchObject([{ body: "well" }]);
      const unwanted = await clientWith(server, unfinished(8_192).replace(" / ", " /unwanted "));
      await expect.poll(unwanted.received).toContain("no");
    }
    expect(first.socket.closed).toBe(false);
  });
});
