import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { type Bench, startBench } from "./support/bench.ts";

let bench: Bench;
const elsewhere: { server: Server; seen: IncomingMessage[] }[] = [];
beforeAll(async () => {
  bench = await startBench();
});
afterEach(() => {
  for (const { server } of elsewhere.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => bench.stop());

/** Another host: `localhost` is not `127.0.0.1` to anybody who compares. */
async function startElsewhere(answer: (response: ServerResponse) => void) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  elsewhere.push({ server, seen });
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, seen };
}

const bearer = (realm: string) => ({ "www-authenticate": `Bearer realm="${realm}",service="registry"` });

describe("a registry that names another host", () => {
  test("for tokens gets no password sent there, unless the binding names it", async () => {
    const slot = await bench.slot();
    const thief = await startElsewhere((response) => response.writeHead(200).end('{"token":"stolen"}'));
    const fault = { kind: "instead", status: 401, headers: bearer(`${thief.url}/token`) } as const;
    slot.front.faults.add({ fault, service: "registry", times: Number.POSITIVE_INFINITY });
    const operations = [
      ["getRepository", { repoId: slot.name }],
      ["createRepository", { name: slot.logical }],
      ["deleteRepository", { repoId: slot.name }],
      ["generateCredentials", { repoId: slot.name, permissions: "pull" }],
    ] as const;
    for (const [operation, input] of operations) {
      const { body } = await slot.suite().ask(operation, input);
      expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { field: "tokenServiceUrl" } });
      expect(String(body.message)).toContain(thief.url);
    }
    const fixed = await slot
      .suite({ staticCredentials: true })
      .ask("generateCredentials", { repoId: slot.name, permissions: "pull" });
    expect(fixed.body.code).toBe("BINDING_CONFIG_INVALID");
    expect(thief.seen).toEqual([]);

    await slot.suite({ tokenServiceUrl: thief.url }).ask("getRepository", { repoId: slot.name });
    expect(thief.seen.map(({ headers }) => headers.authorization?.split(" ")[0])).toContain("Basic");
  });

  test("for a manifest is followed there, without the authorization", async () => {
    const slot = await bench.slot();
    const storage = await startElsewhere((response) => response.writeHead(200).end());
    await slot.suite().ask("getRepository", { repoId: slot.name });
    const fault = { kind: "instead", status: 307, headers: { location: `${storage.url}/blob?signed=1` } } as const;
    // The second try of the request, which carries the token.
    slot.front.faults.add({ fault, action: "HEAD manifest", nth: 2 });
    expect((await slot.suite().ask("getRepository", { repoId: slot.name })).status).toBe(200);
    expect(storage.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/blob?signed=1", undefined],
    ]);
    expect(slot.front.passed.at(-1)?.authorization).toMatch(/^Bearer /);
  });

  test("for the next page is not followed", async () => {
    const slot = await bench.slot();
    await pushImage(slot.client, slot.name, "1.0", buildImage({ seed: slot.name }));
    const other = await startElsewhere((response) => response.writeHead(200).end('{"tags":[]}'));
    const value = `<${other.url}/v2/${slot.name}/tags/list?last=1.0>; rel="next"`;
    const fault = { kind: "header", name: "link", value } as const;
    slot.front.faults.add({ fault, action: "GET tags", times: Number.POSITIVE_INFINITY });
    const { body } = await slot.suite().ask("deleteRepository", { repoId: slot.name });
    expect(body).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
    expect(other.seen).toEqual([]);
    // Nothing was deleted of a repository of which only a part was seen.
    expect(await slot.client.tags(slot.name)).toEqual(["1.0"]);
  });

  test("for an upload gets no authorization sent there", async () => {
    const slot = await bench.slot();
    const other = await startElsewhere((response) => response.writeHead(201).end());
    const fault = { kind: "header", name: "location", value: `${other.url}/upload/1` } as const;
    slot.front.faults.add({ fault, action: "POST upload", times: Number.POSITIVE_INFINITY });
    await slot.suite().ask("createRepository", { name: slot.logical });
    expect(other.seen.map(({ headers }) => headers.authorization)).toEqual(other.seen.map(() => undefined));
    expect(other.seen.length).toBeGreaterThan(0);
  });

  test("in a token service's redirect is not followed", async () => {
    const slot = await bench.slot();
    const thief = await startElsewhere((response) => response.writeHead(200).end('{"token":"stolen"}'));
    const fault = { kind: "instead", status: 302, headers: { location: `${thief.url}/token` } } as const;
    slot.front.faults.add({ fault, service: "token", times: Number.POSITIVE_INFINITY });
    const { status } = await slot.suite().ask("generateCredentials", { repoId: slot.name, permissions: "pull" });
    expect(status).toBe(502);
    expect(thief.seen).toEqual([]);
  });
});

describe("an answer that is too much", () => {
  const giant = Buffer.alloc(17 * 1024 * 1024, 0x20);

  test.each([
    ["GET tags", "registry"],
    ["GET manifest", "registry"],
    ["GET", "token"],
  ] as const)("of %s ends the reading, not the function", async (action, service) => {
    const slot = await bench.slot();
    const suite = slot.suite();
    await suite.ask("createRepository", { name: slot.logical });
    const fault = { kind: "instead", status: 200, body: giant } as const;
    slot.front.faults.add({ fault, action, service, times: Number.POSITIVE_INFINITY });
    const { body } = await suite.ask("deleteRepository", { repoId: slot.name });
    expect(body).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
    slot.front.faults.clear();
    expect((await suite.ask("getRepository", { repoId: slot.name })).status).toBe(200);
  });

  test("pages that lead in a circle end too", async () => {
    const slot = await bench.slot();
    await pushImage(slot.client, slot.name, "1.0", buildImage({ seed: slot.name }));
    const fault = { kind: "header", name: "link", value: `</v2/${slot.name}/tags/list>; rel="next"` } as const;
    slot.front.faults.add({ fault, action: "GET tags", times: Number.POSITIVE_INFINITY });
    const { body } = await slot.suite().ask("deleteRepository", { repoId: slot.name });
    expect(body.code).toBe("UNEXPECTED_RESPONSE_FORMAT");
  });

  test.each(["<html>sign in</html>", '{"tags": 5}', '{"token": ""}', "[]"])("%s is no answer", async (text) => {
    const slot = await bench.slot();
    const fault = { kind: "instead", status: 200, body: text } as const;
    slot.front.faults.add({ fault, action: "GET", service: "token", times: Number.POSITIVE_INFINITY });
    const { body } = await slot.suite().ask("generateCredentials", { repoId: slot.name, permissions: "pull" });
    expect(body).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
  });
});

describe("a registry that asks to wait", () => {
  test("longer than a caller can be kept waiting hands its wish on", async () => {
    const slot = await bench.slot();
    const times = Number.POSITIVE_INFINITY;
    slot.front.faults.add({ fault: { kind: "throttle", retryAfterSeconds: 120 }, service: "token", times });
    const { status, headers, body } = await slot
      .suite()
      .ask("generateCredentials", { repoId: slot.name, permissions: "pull" });
    expect([status, body.code, body.retryable]).toEqual([429, "RATE_LIMIT_EXCEEDED", true]);
    expect(headers).toContain('["retry-after","120"]');
    expect(slot.front.passed.filter(({ service }) => service === "token").length).toBe(1);
  });
});

describe("a registry that forbids deletion", () => {
  test("is told with the setting to change, and keeps everything", async () => {
    const slot = await bench.slot();
    const image = buildImage({ seed: slot.name });
    await pushImage(slot.client, slot.name, "1.0", image);
    for (const action of ["DELETE manifest", "DELETE blob"]) {
      const fault = { kind: "instead", status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' } as const;
      slot.front.faults.add({ fault, action, times: Number.POSITIVE_INFINITY });
    }
    const { status, body } = await slot.suite().ask("deleteRepository", { repoId: slot.name });
    expect([status, body.code, body.retryable]).toEqual([501, "OPERATION_NOT_SUPPORTED", false]);
    expect(body.hint).toContain("storage.delete.enabled");
    expect(await slot.client.headManifest(slot.name, image.manifest.digest)).toBeDefined();
    // Where there is nothing to delete, there is nothing to forbid.
    expect((await slot.suite().ask("deleteRepository", { repoId: "images/never" })).status).toBe(200);
  });
});

describe("a registry that knows no such place", () => {
  const missing = { kind: "instead", status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' } as const;

  test("is told as the binding's, where a repository is to be created", async () => {
    const slot = await bench.slot();
    slot.front.faults.add({ fault: missing, service: "registry", times: Number.POSITIVE_INFINITY });
    const { body } = await slot.suite().ask("createRepository", { name: `${slot.logical}-new` });
    expect(body).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      retryable: false,
      context: { field: "repositoryPrefix" },
      hint: expect.stringContaining("registryUrl"),
    });
  });

  test("is not, where only the upload is gone", async () => {
    const slot = await bench.slot();
    const body = '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}';
    slot.front.faults.add({ fault: { ...missing, body }, action: "PUT upload" });
    const answer = await slot.suite().ask("createRepository", { name: `${slot.logical}-new` });
    expect(answer.body.code).toBe("CLOUD_PLATFORM_ERROR");
    expect((await slot.suite().ask("createRepository", { name: `${slot.logical}-new` })).status).toBe(200);
  });
});
