import type { RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { serve } from "../../support/front.ts";
import { errorOf } from "../../support/inputs.ts";
import { containerRegistry, newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack();
const name = "images/app";
const mint = () => {
  const registry = openRegistry(stack());
  return registry.generateCredentials({ name: registry.resolveId(name), permissions: "pull" }, newCall());
};
const answering = (action: string, output: object) =>
  stack().azure.faults.add({ fault: { kind: "answer", output }, action, times: Number.POSITIVE_INFINITY });

const secret = "a-secret-of-the-registry";
const jwt = (claims: object) =>
  `${Buffer.from("{}").toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${secret}`;
const soon = Math.floor(Date.now() / 1_000) + 3_600;
const access = (...actions: string[]) => ({ type: "repository", name, actions });

afterEach(() => stack().azure.faults.clear());

describe("what a registry should never answer", () => {
  test.each([
    ["nothing", {}],
    ["no text", { refresh_token: 5 }],
    ["an empty text", { refresh_token: "" }],
    ["a list", [secret]],
  ])("%s for a refresh token", async (_, output) => {
    answering("exchange", output);
    const error = await errorOf(mint);
    expect([error.code, error.retryable]).toEqual(["UNEXPECTED_RESPONSE_FORMAT", false]);
    expect(JSON.stringify(error.toWire("r"))).not.toContain(secret);
  });

  test.each([
    ["nothing", {}],
    ["no token", { access_token: secret }],
    ["a token without access", { access_token: jwt({ exp: soon }) }],
    ["a refresh token", { access_token: jwt({ exp: soon, permissions: { actions: ["*"] } }) }],
    ["a token without an end", { access_token: jwt({ access: [access("pull", "metadata_read")] }) }],
    ["a token that has ended", { access_token: jwt({ exp: soon - 7_200, access: [access("pull", "metadata_read")] }) }],
  ])("%s for an access token", async (_, output) => {
    answering("token", output);
    const error = await errorOf(mint);
    expect([error.code, error.retryable]).toEqual(["UNEXPECTED_RESPONSE_FORMAT", false]);
    expect(JSON.stringify(error.toWire("r"))).not.toContain(secret);
  });

  test.each([
    ["more actions", [access("pull", "push", "metadata_read")]],
    ["a wildcard", [access("pull", "metadata_read", "*")]],
    ["another repository beside it", [access("pull", "metadata_read"), { ...access("pull"), name: "images" }]],
    ["the catalog", [access("pull", "metadata_read"), { type: "registry", name: "catalog", actions: ["*"] }]],
  ])("a token for %s is not handed out", async (_, granted) => {
    answering("token", { access_token: jwt({ exp: soon, access: granted }) });
    const error = await errorOf(mint);
    expect([error.code, error.retryable]).toEqual(["ACCESS_DENIED", false]);
    expect(error.message).toContain("more than was asked");
    expect(JSON.stringify(error.toWire("r"))).not.toContain(secret);
  });

  test.each([
    ["another repository", [{ ...access("pull"), name: "images/app2" }]],
    ["all repositories", [{ ...access("pull"), name: "*" }]],
    ["nothing", []],
  ])("a token for %s is a denial", async (_, granted) => {
    answering("token", { access_token: jwt({ exp: soon, access: granted }) });
    expect(await errorOf(mint)).toMatchObject({ code: "ACCESS_DENIED", context: { missing: "pull,metadata_read" } });
  });
});

test("a registry behind a firewall says so", async () => {
  const registry = containerRegistry(stack());
  registry.publicNetworkAccess = "Disabled";
  try {
    expect(await errorOf(mint)).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining("network") });
  } finally {
    registry.publicNetworkAccess = "Enabled";
  }
});

test("a login server that is another registry's, or nobody's", async () => {
  for (const loginServer of ["other.azurecr.io", "nobody.example.com"]) {
    const registry = openRegistry(stack(), { binding: { loginServer } });
    const error = await errorOf(() =>
      registry.generateCredentials({ name: registry.resolveId(name), permissions: "pull", ttlSeconds: 1 }, newCall()),
    );
    expect(["BINDING_CONFIG_INVALID", "ACCESS_DENIED", "CLOUD_PLATFORM_ERROR"]).toContain(error.code);
    expect(error.retryable).toBe(false);
  }
});

/** A credential request to a registry of the test's own making. */
async function mintFrom(registryServer: RequestListener) {
  const { url, stop } = await serve(registryServer);
  try {
    const registry = openRegistry(stack(), { env: { ALIEN_ACR_ENDPOINT: url } });
    return await registry.generateCredentials(
      { name: registry.resolveId(name), permissions: "pull", ttlSeconds: 1 },
      newCall(),
    );
  } finally {
    await stop();
  }
}

test("a redirect carries no token elsewhere", async () => {
  const visits: string[] = [];
  const elsewhere = await serve((req, res) => {
    visits.push(req.url ?? "");
    res.end();
  });
  try {
    const error = await errorOf(() =>
      mintFrom((_req, res) => void res.writeHead(307, { location: `${elsewhere.url}/taken` }).end()),
    );
    expect([error.code, error.retryable]).toEqual(["CLOUD_PLATFORM_ERROR", false]);
    expect(visits).toEqual([]);
  } finally {
    await elsewhere.stop();
  }
});

test("the refresh token itself is never handed out, whatever it says of itself", async () => {
  const answers = (accessToken: string): RequestListener => {
    const refreshToken = jwt({ exp: soon, access: [access("pull", "metadata_read")] });
    return (req, res) => {
      const isExchange = req.url?.endsWith("/exchange");
      res.end(JSON.stringify(isExchange ? { refresh_token: refreshToken } : { access_token: accessToken }));
    };
  };
  const another = jwt({ exp: soon, access: [access("pull", "metadata_read")], jti: "another" });
  expect((await mintFrom(answers(another))).password.reveal()).toBe(another);
  const error = await errorOf(() => mintFrom(answers(jwt({ exp: soon, access: [access("pull", "metadata_read")] }))));
  expect(error.code).toBe("UNEXPECTED_RESPONSE_FORMAT");
});

test("an address where nobody listens", async () => {
  const registry = openRegistry(stack(), { env: { ALIEN_ACR_ENDPOINT: "http://127.0.0.1:1" } });
  const error = await errorOf(() =>
    registry.generateCredentials({ name: registry.resolveId(name), permissions: "pull", ttlSeconds: 1 }, newCall()),
  );
  expect(error).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
});
