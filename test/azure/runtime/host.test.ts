import { request } from "node:http";
import { json } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { type RunningApp, startRunningApp } from "./app.ts";

/** The stand-in for the host, held against the table in README.md by an app that answers what has come. */
const folder = new URL("probe", import.meta.url).pathname;
let app: RunningApp | undefined;
afterEach(() => app?.stop());

interface Came {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends a request by Node's own client, which sends chunks where nobody tells a length. */
function send(url: string, headers: Record<string, string | string[]>, chunks: readonly string[]): Promise<Came> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: "POST", headers }, (answer) => resolve(json(answer) as Promise<Came>));
    sending.once("error", reject);
    for (const chunk of chunks) sending.write(chunk);
    sending.end();
  });
}

async function start(streaming: boolean): Promise<string> {
  app = await startRunningApp({ folder }, streaming ? { PROBE_STREAMING: "1" } : {});
  return app.url;
}

describe.each([false, true])("with HTTP streaming: %s", (streaming) => {
  test("a body that tells its length arrives", async () => {
    const came = await send(`${await start(streaming)}/a`, { "content-length": "6" }, ["abc", "def"]);
    expect(came).toMatchObject({ method: "POST", body: "abcdef" });
  });

  test(`a body in chunks ${streaming ? "arrives" : "is lost"}`, async () => {
    const came = await send(`${await start(streaming)}/a`, {}, ["abc", "def"]);
    expect(came.body).toBe(streaming ? "abcdef" : "");
    expect(came.headers["transfer-encoding"]).toBe("chunked");
  });

  test("path and query are the client's, and a header that came twice is joined by a comma", async () => {
    const url = await start(streaming);
    const came = await send(`${url}/a/b%20c?d=1&d=2`, { "x-twice": ["one", "two"], "content-length": "0" }, []);
    expect(came.url).toBe(`${url}/a/b%20c?d=1&d=2`);
    expect(came.headers["x-twice"]).toBe("one,two");
  });

  test("a GET has no body, and a function that answers gives its answer", async () => {
    const answer = await fetch(`${await start(streaming)}/a`);
    expect([answer.status, ((await answer.json()) as Came).body]).toEqual([200, ""]);
  });

  test("a function that throws is answered with 500", async () => {
    const answer = await fetch(`${await start(streaming)}/throws`);
    expect(answer.status).toBe(500);
    await expect.poll(() => app?.log()).toContain("Executed 'Functions.probe' (Failed)");
  });

  test("what a client calls its invocation and its host changes nothing", async () => {
    const url = await start(streaming);
    const headers = { "x-ms-invocation-id": "another", "x-forwarded-host": "evil.example", "content-length": "1" };
    const came = await send(`${url}/a`, headers, ["x"]);
    expect(came).toMatchObject({ url: `${url}/a`, body: "x" });
  });
});

test("a message's metadata are the values that its sender and the queue gave", async () => {
  app = await startRunningApp({ folder }, { PROBE_QUEUE: "setup", PROBE__fullyQualifiedNamespace: "x.example" });
  const properties = { a: "b", c: 1 };
  const message = { text: '{"d":1}', contentType: "application/json", messageId: "x1", properties, deliveryCount: 3 };
  expect(await app.fromServiceBus(message)).toBe("completed");
  const lines = () => app?.log().split("\n") ?? [];
  await expect.poll(() => lines().find((line) => line.startsWith("{"))).toBeDefined();
  expect(JSON.parse(lines().find((line) => line.startsWith("{")) ?? "")).toEqual({
    body: { d: 1 },
    messageId: "x1",
    contentType: "application/json",
    applicationProperties: properties,
    deliveryCount: 3,
  });
});
