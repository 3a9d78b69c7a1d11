import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Authority, createAuthority } from "../../emulators/azure/http/certificates.ts";
import { type Listening, listen } from "../../emulators/azure/http/listen.ts";
import { type MountedSecret, mountSecret } from "../support/files.ts";
import { type Bench, type Slot, startBench } from "./support/bench.ts";

let bench: Bench;
let slot: Slot;
let authority: Authority;
let other: Authority;
let secure: Listening;
let ca: MountedSecret;

beforeAll(async () => {
  bench = await startBench();
  slot = await bench.slot();
  [authority, other] = await Promise.all([createAuthority(), createAuthority()]);
  const { hostname, port } = new URL(slot.front.url);
  // Ends TLS in front of the registry, as an ingress does.
  secure = await listen((req, res) => {
    const onward = request({ hostname, port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
      const headers = { ...answer.headers };
      const challenge = headers["www-authenticate"];
      if (challenge !== undefined) headers["www-authenticate"] = challenge.replace("http://", "https://");
      res.writeHead(answer.statusCode ?? 500, headers);
      answer.pipe(res);
    });
    req.pipe(onward);
  }, authority.server);
  ca = await mountSecret({ "ca.crt": authority.ca });
});
afterAll(async () => {
  await secure?.close();
  await ca?.remove();
  await bench?.stop();
});

const bound = (more: object = {}) => slot.suite({ registryUrl: secure.url, ...more });
const created = { name: "app-1" };

describe("a registry whose certificate a CA of its own signed", () => {
  test("is reached with that CA, for every operation", async () => {
    const suite = bound({ caFile: ca.path("ca.crt") });
    expect((await suite.ask("createRepository", created)).status).toBe(200);
    const minted = await suite.ask("generateCredentials", { repoId: slot.name, permissions: "push-pull" });
    expect([minted.status, minted.body.authMethod]).toEqual([200, "bearer"]);
    expect((await suite.ask("deleteRepository", { repoId: slot.name })).status).toBe(200);
    expect((await suite.ask("describeRegistry", {})).body).toMatchObject({ health: { status: "healthy" } });
  });

  test("is refused without it, as what it is, before any password is sent", async () => {
    const from = slot.front.passed.length;
    const { body } = await bound().ask("createRepository", created);
    expect(body).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      message: expect.stringMatching(/no secure connection: [A-Z_]+/),
      hint: expect.stringContaining("caFile"),
      retryable: false,
    });
    expect(slot.front.passed.length).toBe(from);
  });

  test("is reached again when the mounted CA is put right, without a restart", async () => {
    const mounted = await mountSecret({ "ca.crt": other.ca });
    try {
      const suite = bound({ caFile: mounted.path("ca.crt") });
      expect((await suite.ask("createRepository", created)).body.code).toBe("BINDING_CONFIG_INVALID");
      expect((await suite.ask("describeRegistry", {})).body).toMatchObject({ health: { status: "unhealthy" } });
      await mounted.replace({ "ca.crt": `${other.ca}\n${authority.ca}` });
      expect((await suite.ask("createRepository", created)).status).toBe(200);
    } finally {
      await mounted.remove();
    }
  });

  test("a CA file that is missing, or no certificate, is told", async () => {
    const missing = await bound({ caFile: "/nowhere/ca.crt" }).ask("createRepository", created);
    expect(missing.body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { file: "/nowhere/ca.crt" } });
    const mounted = await mountSecret({ "ca.crt": "not a certificate" });
    const odd = await bound({ caFile: mounted.path("ca.crt") }).ask("createRepository", created);
    await mounted.remove();
    expect(odd.body.code).toBe("BINDING_CONFIG_INVALID");
  });

  test.each([
    ["an upload", "POST upload", "location", "/v2/images/app-1/blobs/uploads/1"],
    ["a next page", "GET tags", "link", "/v2/images/app-1/tags/list>; rel=next"],
  ])(
    "that sends %s to http, as behind a proxy without X-Forwarded-Proto, is not followed there",
    async (_, action, name, path) => {
      const plain = slot.front.url + path;
      const value = name === "link" ? `<${plain}` : plain;
      slot.front.faults.add({ fault: { kind: "header", name, value }, action, times: Number.POSITIVE_INFINITY });
      const from = slot.front.passed.length;
      const suite = bound({ caFile: ca.path("ca.crt") });
      const { body } = await (action === "POST upload"
        ? suite.ask("createRepository", { name: "app-1-new" })
        : suite.ask("deleteRepository", { repoId: slot.name }));
      slot.front.faults.clear();
      expect(body).toMatchObject({
        code: "UNEXPECTED_RESPONSE_FORMAT",
        retryable: false,
        hint: expect.stringContaining("X-Forwarded-Proto"),
      });
      expect(slot.front.passed.slice(from).map((each) => each.action)).not.toContain("PUT upload");
    },
  );

  test("a token service over http is refused behind https", async () => {
    const fault = {
      kind: "instead",
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="HTTP://127.0.0.1/token"' },
    } as const;
    slot.front.faults.add({ fault, action: "HEAD manifest" });
    const { body } = await bound({ caFile: ca.path("ca.crt") }).ask("getRepository", { repoId: slot.name });
    slot.front.faults.clear();
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: expect.stringContaining("not safe") });
  });
});
