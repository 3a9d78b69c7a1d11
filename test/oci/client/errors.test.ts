import { expect, test } from "vitest";
import { retryAfterSeconds } from "../../../oci/client/errors.ts";
import { createClient, OciError } from "../../../oci/client/index.ts";
import { reply, serve } from "./server.ts";

const credentials = { username: "token", password: "correct horse battery" };

test("a refusal carries status, code, message and when to come back", async () => {
  const server = await serve((_, response) =>
    reply(response, 429, { errors: [{ code: "TOOMANYREQUESTS", message: "slow down" }] }, { "retry-after": "7" }),
  );
  const error = await createClient({ url: server.url })
    .tags("a")
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(OciError);
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: "OciError",
    status: 429,
    code: "TOOMANYREQUESTS",
    message: `GET ${server.url}/v2/a/tags/list: 429 TOOMANYREQUESTS: slow down`,
    retryAfterSeconds: 7,
  });
});

test.each([
  ["7", 7],
  [" 0 ", 0],
  ["Thu, 01 Jan 1970 00:01:40 GMT", 90],
  ["Thu, 01 Jan 1970 00:00:01 GMT", 0],
  ["soon", undefined],
  ["-1", undefined],
  ["1e9999", undefined],
  [null, undefined],
])("Retry-After %j is %j seconds", (header, expected) => {
  expect(retryAfterSeconds(header, 10_000)).toBe(expected);
});

test.each(["not json", "", '{"errors":[]}', '{"errors":[null]}', "null", '{"errors":[{"code":5}]}'])(
  "a refusal with the body %j is known by its status",
  async (body) => {
    const server = await serve((_, response) => reply(response, 418, body));
    await expect(createClient({ url: server.url }).tags("a")).rejects.toMatchObject({ status: 418, code: "HTTP_418" });
  },
);

test("a registry that echoes the credentials does not get them into a message", async () => {
  const server = await serve((request, response) => {
    if (request.headers.authorization === undefined) return reply(response, 401, "", { "www-authenticate": "Basic" });
    const pair = request.headers.authorization.slice(6);
    const message = `no ${pair} nor ${Buffer.from(pair, "base64").toString("utf8")}`;
    reply(response, 403, { errors: [{ code: "DENIED", message }] });
  });
  const error = await createClient({ url: server.url, credentials })
    .tags("a")
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ status: 403, code: "DENIED" });
  expect(String(error)).toContain("no [redacted] nor token:[redacted]");
});

test("credentials in the registry's own URL are neither used nor shown", async () => {
  const server = await serve((_, response) => reply(response, 403));
  const url = server.url.replace("http://", "http://someone:something-secret@");
  const error = await createClient({ url })
    .tags("a")
    .catch((caught: unknown) => caught);
  expect(String(error)).not.toContain("something-secret");
  expect(server.seen[0]?.authorization).toBeUndefined();
});

test("nobody there is NETWORK, status 0", async () => {
  const client = createClient({ url: "http://127.0.0.1:1" });
  await expect(client.ping()).rejects.toMatchObject({ status: 0, code: "NETWORK" });
});

test("an answer cut off in the middle of a listing is NETWORK", async () => {
  const server = await serve((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write('{"tags":', () => response.destroy());
  });
  await expect(createClient({ url: server.url }).tags("a")).rejects.toMatchObject({ code: "NETWORK" });
});

test("a huge error page is read only in part", async () => {
  const server = await serve((_, response) => {
    response.writeHead(500);
    response.write("x".repeat(1 << 20));
  });
  await expect(createClient({ url: server.url }).tags("a")).rejects.toMatchObject({ status: 500 });
});
