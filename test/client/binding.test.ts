import { describe, expect, it } from "vitest";
import { connect } from "../../client/index.ts";
import { startFake } from "./support/server.ts";

const url = "https://function.example";
const bound = (json: unknown) => ({ ALIEN_MY_IMAGES_BINDING: typeof json === "string" ? json : JSON.stringify(json) });
const refusal = (env: Record<string, string>) => connect("my-images", { env }).catch((error: unknown) => error);

describe("the binding of a function", () => {
  it("is found by the registry's name", async () => {
    const facts = { registryEndpoint: "https://r.example", upstreamRepositoryPrefix: "p" };
    const env = bound({ service: "function", url, platform: "local", ...facts });
    expect(await connect("my-images", { env })).toMatchObject({ registry: "my-images", facts });
  });

  it("may be given in the options", async () => {
    expect(await connect("images", { env: {}, url })).toMatchObject({ registry: "images" });
  });

  it("may be given in part: an option stands before the variable's field", async () => {
    const fake = await startFake({ body: {} });
    const env = bound({
      service: "function",
      url: fake.url,
      platform: "local",
      auth: { type: "token", variable: "A" },
    });
    const options = { env: { ...env, A: "of-the-variable", B: "of-the-option" } };
    const { call } = await connect("my-images", { ...options, auth: { type: "token", variable: "B" } });
    await call("getRepository", { repoId: "a" });
    expect(fake.seen[0]?.headers.authorization).toBe("Bearer of-the-option");
    await expect(connect("my-images", { ...options, provision: "http://far.example" })).rejects.toMatchObject({
      code: "BINDING_CONFIG_INVALID",
    });
  });

  it.each(["", "two words", "a/b", "x".repeat(65)])(
    "is that of a name which a registry can have: not %j",
    async (name) => {
      for (const mode of ["function", "direct"] as const) {
        await expect(connect(name, { env: {}, mode })).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    },
  );

  it("is missing, and the variable is named", async () => {
    expect(await refusal({})).toMatchObject({
      code: "BINDING_NOT_CONFIGURED",
      hint: expect.stringContaining("ALIEN_MY_IMAGES_BINDING"),
    });
  });

  it.each([
    ["what is not JSON", "{", "not JSON"],
    ["a registry's own binding", { service: "ecr", repositoryPrefix: "x" }, 'the service "ecr"'],
    ["no platform", { service: "function", url }, "no known platform"],
    ["an unknown platform", { service: "function", url, platform: "heroku" }, "no known platform"],
    ["no URL", { service: "function", platform: "aws" }, "no usable url"],
    ["a token in the clear", { service: "function", url: "http://function.example", platform: "aws" }, "no usable url"],
    ["another scheme", { service: "function", url: "ftp://function.example", platform: "aws" }, "no usable url"],
    ["half the facts", { service: "function", url, platform: "aws", registryEndpoint: "https://x" }, "both or neither"],
    [
      "a URL with a password",
      { service: "function", url: "https://u:p@function.example", platform: "aws" },
      "no usable url",
    ],
    ["a URL with a query", { service: "function", url: `${url}?a=b`, platform: "aws" }, "no usable url"],
    ["a URL with a fragment", { service: "function", url: `${url}#a`, platform: "aws" }, "no usable url"],
    [
      "a provisioning call in the clear",
      { service: "function", url, platform: "aws", provision: "http://function.example" },
      "no usable provision",
    ],
    [
      "a provisioning door that is none",
      { service: "function", url, platform: "aws", provision: 5 },
      "no usable provision",
    ],
    [
      "an endpoint that is none",
      { service: "function", url, platform: "aws", registryEndpoint: 5, upstreamRepositoryPrefix: "" },
      "no usable registryEndpoint",
    ],
    ["no form", { service: "function", url, platform: "aws", auth: null }, "unknown auth.type"],
    [
      "a token of nowhere",
      { service: "function", url, platform: "aws", auth: { type: "token" } },
      "without file or variable",
    ],
    [
      "a workflow's token for nobody",
      { service: "function", url, platform: "aws", auth: { type: "github" } },
      "without audience",
    ],
    ["an unknown form", { service: "function", url, platform: "aws", auth: { type: "magic" } }, "unknown auth.type"],
    ["JSON that is no object", "null", "not a function"],
  ])("is refused: %s", async (_title, json, message) => {
    const error = await refusal(bound(json));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(String(error)).toContain(message);
  });

  it.each([
    "http://127.0.0.1:8080",
    "http://localhost:1",
    "http://[::1]:1",
    "http://x.ns.svc",
    "http://x.ns.svc.cluster.local",
  ])("may be in the clear where nothing travels far: %s", async (local) => {
    await expect(connect("images", { env: {}, url: local })).resolves.toBeDefined();
  });

  it("may tell a provisioning door with a query, as an Azure function's key is one", async () => {
    const options = { env: {}, url, provision: `${url}/api/provision?code=key` };
    await expect(connect("images", options)).resolves.toBeDefined();
  });

  it.each(["http://localhost.example.com", "http://127.0.0.1.example.com", "http://svc"])(
    "may not where a name only looks near: %s",
    async (far) => {
      await expect(connect("images", { env: {}, url: far })).rejects.toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    },
  );
});
