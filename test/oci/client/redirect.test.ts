import { expect, test } from "vitest";
import { createClient, digestOf, type OciClient } from "../../../oci/client/index.ts";
import { bodyOf, reply, type Server, serve } from "./server.ts";

const credentials = { username: "token", password: "correct horse battery" };
const blob = Buffer.from("a layer somewhere else");
const digest = digestOf(blob);

/** A registry with Basic that sends those who may read a blob to another place. */
async function sendingTo(location: () => string): Promise<Server> {
  return serve((request, response) => {
    if (request.headers.authorization === undefined) {
      return reply(response, 401, "", { "www-authenticate": "Basic" });
    }
    if (request.url?.includes("/blobs/")) return reply(response, 307, "", { location: location() });
    reply(response, 200, blob);
  });
}

test("a blob on another host is fetched without Authorization", async () => {
  const storage = await serve((_, response) => reply(response, 200, blob));
  const registry = await sendingTo(() => `${storage.url}/signed?signature=1`);
  const client = createClient({ url: registry.url, credentials });
  await expect(client.readBlob("a", digest)).resolves.toEqual(blob);
  expect(registry.seen.at(-1)?.authorization).toMatch(/^Basic /);
  expect(storage.seen).toMatchObject([{ url: "/signed?signature=1", authorization: undefined }]);
});

test("a host that sends back to the registry does not make the client authenticate again", async () => {
  const storage: Server = await serve((_, response) =>
    reply(response, 302, "", { location: `${registry.url}/v2/other` }),
  );
  const registry = await sendingTo(() => `${storage.url}/x`);
  const client = createClient({ url: registry.url, credentials });
  await client.readBlob("a", digest).catch(() => undefined);
  expect(
    registry.seen.filter(({ url }) => url === "/v2/other").map(({ authorization }) => authorization)[0],
  ).toBeUndefined();
});

test("a redirect on the registry itself keeps Authorization, and may be relative", async () => {
  const registry = await sendingTo(() => "../../../elsewhere");
  const client = createClient({ url: registry.url, credentials });
  await expect(client.readBlob("a", digest)).resolves.toEqual(blob);
  expect(registry.seen.at(-1)).toMatchObject({ url: "/elsewhere", authorization: expect.stringMatching(/^Basic /) });
});

test("redirects in a circle end", async () => {
  const registry = await sendingTo(() => "/v2/a/blobs/x");
  const client = createClient({ url: registry.url, credentials });
  await expect(client.readBlob("a", digest)).rejects.toMatchObject({ code: "REDIRECT_REFUSED" });
  expect(registry.seen.length).toBeLessThan(16);
});

test("https does not become http, and the signed query stays out of the message", async () => {
  const fetch: typeof globalThis.fetch = async () =>
    new Response(null, { status: 307, headers: { location: "http://storage.example/x?signature=secret-signature" } });
  const client = createClient({ url: "https://registry.example", fetch });
  const error = await client.readBlob("a", digest).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "REDIRECT_REFUSED" });
  expect(String(error)).not.toContain("secret-signature");
});

test("an upload whose Location is on another host is sent there without Authorization", async () => {
  const storage = await serve(async (request, response) => {
    await bodyOf(request);
    reply(response, 201);
  });
  const registry = await serve((request, response) => {
    if (request.headers.authorization === undefined) return reply(response, 401, "", { "www-authenticate": "Basic" });
    reply(response, 202, "", { location: `${storage.url}/upload?state=1` });
  });
  const client = createClient({ url: registry.url, credentials });
  await client.pushBlob("a", { digest, body: blob });
  expect(storage.seen).toMatchObject([
    { method: "PUT", authorization: undefined, url: `/upload?state=1&digest=${digest.replace(":", "%3A")}` },
  ]);
});

test.each([
  [
    "an upload",
    (client: OciClient) => client.pushBlob("a", { digest, body: blob }),
    { location: "http://r.example/u" },
  ],
  ["a next page", (client: OciClient) => client.tags("a"), { link: '<http://r.example/v2/a/tags/list>; rel="next"' }],
  ["a blob", (client: OciClient) => client.readBlob("a", digest), { location: "http://r.example/b" }],
])("%s that leaves https is not followed: a proxy ended TLS and did not say so", async (_, run, headers) => {
  const asked: string[] = [];
  const client = createClient({
    url: "https://r.example",
    credentials,
    async fetch(url, init) {
      asked.push(String(url));
      const status = init?.method === "POST" ? 202 : "link" in headers ? 200 : 307;
      const response = Response.json({ tags: [] }, { status, headers: headers as Record<string, string> });
      return Object.defineProperty(response, "url", { value: String(url) });
    },
  });
  await expect(run(client)).rejects.toMatchObject({
    code: "REDIRECT_REFUSED",
    message: expect.stringContaining("http:"),
  });
  expect(asked).toEqual([expect.stringMatching(/^https:/)]);
});
