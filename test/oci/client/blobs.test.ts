import { describe, expect, test } from "vitest";
import { createClient, digestOf } from "../../../oci/client/index.ts";
import { seededBytes } from "./images.ts";
import { bodyOf, reply, serve } from "./server.ts";

const blob = seededBytes("blob", 100_000);
const digest = digestOf(blob);

/** A registry that keeps one upload in memory and gives relative locations. */
async function memory() {
  const requests: { method: string; url: string; range: string | undefined; bytes: number }[] = [];
  const stored: Buffer[] = [];
  const server = await serve(async (request, response) => {
    const body = await bodyOf(request);
    const { method = "", url = "" } = request;
    requests.push({ method, url, range: request.headers["content-range"], bytes: body.byteLength });
    stored.push(body);
    const location = `/v2/a/blobs/uploads/id?_state=${requests.length}`;
    if (method === "POST")
      return reply(response, url.includes("mount=") && url.includes("from=has") ? 201 : 202, "", { location });
    if (method === "DELETE") return reply(response, 204);
    reply(response, method === "PATCH" ? 202 : 201, "", { location });
  });
  return { client: createClient({ url: server.url }), requests, stored: () => Buffer.concat(stored) };
}

describe("a push", () => {
  test("is one POST and one PUT, and the Location's own query survives", async () => {
    const { client, requests, stored } = await memory();
    await expect(client.pushBlob("a", { digest, body: blob })).resolves.toEqual({ digest, mounted: false });
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /v2/a/blobs/uploads/",
      `PUT /v2/a/blobs/uploads/id?_state=1&digest=${encodeURIComponent(digest)}`,
    ]);
    expect(stored().equals(blob)).toBe(true);
  });

  test("in chunks follows each new Location and numbers its bytes, whatever the pieces of the stream", async () => {
    const { client, requests, stored } = await memory();
    async function* pieces() {
      for (let at = 0; at < blob.length; at += 7_001) yield blob.subarray(at, at + 7_001);
    }
    await client.pushBlob("a", { digest, body: pieces(), chunkBytes: 40_000 });
    expect(requests.slice(1).map(({ method, range, url }) => [method, range, url.match(/_state=(\d)/)?.[1]])).toEqual([
      ["PATCH", "0-39999", "1"],
      ["PATCH", "40000-79999", "2"],
      ["PATCH", "80000-99999", "3"],
      ["PUT", undefined, "4"],
    ]);
    expect(stored().equals(blob)).toBe(true);
  });

  test("of a mounted blob sends no bytes", async () => {
    const { client, requests } = await memory();
    await expect(client.pushBlob("a", { digest, body: blob, mountFrom: "has" })).resolves.toEqual({
      digest,
      mounted: true,
    });
    expect(requests).toMatchObject([{ url: `/v2/a/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=has` }]);
  });

  test("falls back to an upload where there is nothing to mount", async () => {
    const { client, stored } = await memory();
    await expect(client.pushBlob("a", { digest, body: blob, mountFrom: "lacks" })).resolves.toMatchObject({
      mounted: false,
    });
    expect(stored().equals(blob)).toBe(true);
  });

  test("a mount alone closes the session that it did not want", async () => {
    const { client, requests } = await memory();
    await expect(client.mountBlob("a", { digest, from: "has" })).resolves.toBe(true);
    await expect(client.mountBlob("a", { digest, from: "lacks" })).resolves.toBe(false);
    expect(requests.at(-1)?.method).toBe("DELETE");
  });

  test("without a Location is an unexpected response", async () => {
    const server = await serve((_, response) => reply(response, 202));
    const client = createClient({ url: server.url });
    await expect(client.pushBlob("a", { digest, body: blob })).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE" });
  });

  test("keeps a path in front of /v2/", async () => {
    const server = await serve((_, response) => reply(response, 200, { tags: ["1"] }));
    await createClient({ url: `${server.url}/mirror` }).tags("a");
    expect(server.seen[0]?.url).toBe("/mirror/v2/a/tags/list");
  });
});

describe("a pull", () => {
  const holding = (bytes: Uint8Array, status = 200) =>
    serve((_, response) => reply(response, status, bytes, { "content-length": String(bytes.byteLength) }));

  test("gives the bytes and their size", async () => {
    const client = createClient({ url: (await holding(blob)).url });
    const { size, stream } = await client.pullBlob("a", digest);
    expect(size).toBe(100_000);
    await expect(new Response(stream).arrayBuffer()).resolves.toEqual(Uint8Array.from(blob).buffer);
  });

  test("of an empty blob is empty", async () => {
    const client = createClient({ url: (await holding(Buffer.alloc(0))).url });
    await expect(client.readBlob("a", digestOf(Buffer.alloc(0)))).resolves.toHaveLength(0);
  });

  test("verifies sha512", async () => {
    const client = createClient({ url: (await holding(blob)).url });
    await expect(client.readBlob("a", digestOf(blob, "sha512"))).resolves.toHaveLength(100_000);
    await expect(client.readBlob("a", `sha512:${"0".repeat(128)}`)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  test("fails at its end when a byte was changed", async () => {
    const changed = Buffer.from(blob);
    changed[50_000] = (changed[50_000] ?? 0) ^ 1;
    const client = createClient({ url: (await holding(changed)).url });
    await expect(client.readBlob("a", digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  test("fails when the connection breaks in the middle", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100000" });
      response.write(blob.subarray(0, 50_000), () => response.destroy());
    });
    await expect(createClient({ url: server.url }).readBlob("a", digest)).rejects.toThrow();
  });

  test("of a digest that cannot be verified is refused", async () => {
    const client = createClient({ url: (await holding(blob)).url });
    for (const bad of ["md5:00", "sha256:XYZ", digest.toUpperCase(), `${digest}0`]) {
      await expect(client.readBlob("a", bad)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    }
  });

  test("of a range asks for it and takes nothing but 206", async () => {
    const part = await holding(blob.subarray(5, 10), 206);
    const { stream } = await createClient({ url: part.url }).pullBlob("a", digest, { first: 5, last: 9 });
    await expect(new Response(stream).arrayBuffer()).resolves.toHaveProperty("byteLength", 5);
    expect(part.seen[0]?.headers.range).toBe("bytes=5-9");
    const whole = createClient({ url: (await holding(blob)).url });
    await expect(whole.pullBlob("a", digest, { first: 5 })).rejects.toMatchObject({ status: 200 });
  });

  test("of what is not there: absence from HEAD, an error from GET, false from DELETE", async () => {
    const server = await serve((_, response) =>
      reply(response, 404, { errors: [{ code: "BLOB_UNKNOWN", message: "no" }] }),
    );
    const client = createClient({ url: server.url });
    await expect(client.headBlob("a", digest)).resolves.toBeUndefined();
    await expect(client.deleteBlob("a", digest)).resolves.toBe(false);
    await expect(client.readBlob("a", digest)).rejects.toMatchObject({ status: 404, code: "BLOB_UNKNOWN" });
  });

  test("a server error is never absence", async () => {
    const server = await serve((_, response) => reply(response, 503));
    const client = createClient({ url: server.url });
    await expect(client.headBlob("a", digest)).rejects.toMatchObject({ status: 503 });
    await expect(client.headManifest("a", "1")).rejects.toMatchObject({ status: 503 });
    await expect(client.deleteManifest("a", "1")).rejects.toMatchObject({ status: 503 });
  });
});
