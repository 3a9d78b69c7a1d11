import { expect, it } from "vitest";
import { credentialHelper } from "../../../client/credential-helper/helper.ts";
import { startFake } from "../support/server.ts";
import { configured } from "./support/configure.ts";

const nullGuid = "00000000-0000-0000-0000-000000000000";
const basic = (username: string) => ({ authMethod: "basic", username, scope: "repository" });
const bearer = { authMethod: "bearer", username: "", scope: "repository" };
const auth = { type: "token", variable: "CALLER" };

async function helperOf(host: string, platform: string, answer: object) {
  const { url, seen } = await startFake({ body: { ...answer, password: "minted", expiresAt: "2040-01-01T00:00:00Z" } });
  const binding = { service: "function", url, platform, auth };
  const account = { registry: "images", repository: "my-app", permissions: "push-pull", ttlSeconds: 900, binding };
  const env = await configured({ registries: { [host]: account } }, { CALLER: "caller" });
  return { helper: credentialHelper(env, () => {}), seen };
}

it.each([
  ["aws", "123456789012.dkr.ecr.us-east-1.amazonaws.com", basic("AWS"), "AWS", "AWS"],
  ["gcp", "europe-west1-docker.pkg.dev", basic("oauth2accesstoken"), "oauth2accesstoken", "oauth2accesstoken"],
  ["azure", "images.azurecr.io", bearer, nullGuid, nullGuid],
  ["kubernetes", "registry.example.com", basic("robot"), "robot", ""],
  // An external registry may be an ACR, in any of the clouds that have it; only the host tells.
  ["kubernetes", "images.azurecr.io", bearer, nullGuid, ""],
  ["kubernetes", "images.azurecr.cn", bearer, nullGuid, ""],
  ["kubernetes", "images.azurecr.us", bearer, nullGuid, ""],
  ["local", "127.0.0.1:5000", basic("token"), "token", "token"],
])("on %s, %s is logged in to as its clients want it", async (platform, host, answer, username, listed) => {
  const { helper, seen } = await helperOf(host, platform, answer);
  expect(await helper.list()).toEqual({ [host]: listed });
  expect(seen).toEqual([]);
  expect(await helper.get(`https://${host}/v2/`)).toMatchObject({ username, password: "minted" });
  expect(seen.map(({ path, headers, body }) => [path, headers.authorization, JSON.parse(body)])).toEqual([
    [
      "/v1/generateCredentials",
      "Bearer caller",
      { registry: "images", repoId: "my-app", permissions: "push-pull", ttlSeconds: 900 },
    ],
  ]);
});

it("asks for pulls from further repositories, and in a region", async () => {
  const { url, seen } = await startFake({ body: { ...basic("token"), password: "minted" } });
  const binding = { service: "function", url, platform: "local", auth };
  const account = {
    registry: "images",
    repository: "my-app",
    alsoPull: ["base", "images/tools"],
    region: "eu-west-1",
    binding,
  };
  const env = await configured({ registries: { "127.0.0.1:5000": account } }, { CALLER: "caller" });
  expect(await credentialHelper(env, () => {}).get("127.0.0.1:5000")).toMatchObject({ password: "minted" });
  expect(seen.map(({ body }) => JSON.parse(body))).toEqual([
    {
      registry: "images",
      repoId: "my-app",
      permissions: "pull",
      alsoPull: ["base", "images/tools"],
      region: "eu-west-1",
    },
  ]);
});

it.each(["registry.example.com", "azurecr.io", "images.azurecr.example", "images.azurecr.io.example"])(
  "refuses a bearer for %s, which no client would take from a helper, and says what to do",
  async (host) => {
    const { helper } = await helperOf(host, "kubernetes", bearer);
    await expect(helper.get(host)).rejects.toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      hint: expect.stringContaining("static accounts"),
    });
  },
);

it.each([
  ["ecr", "AWS"],
  ["ecr-public", "AWS"],
  ["gar", "oauth2accesstoken"],
  ["acr", nullGuid],
  ["external", ""],
  ["constructor", ""],
  ["local", "token"],
])("lists the user of a registry's own %s binding", async (service, username) => {
  const account = { registry: "images", repository: "my-app", binding: { service } };
  const env = await configured({ registries: { "a.example": account } });
  expect(await credentialHelper(env, () => {}).list()).toEqual({ "a.example": username });
});
