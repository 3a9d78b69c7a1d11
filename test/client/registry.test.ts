import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { artifactRegistry, type Registry } from "../../client/index.ts";
import { startLocal, type TestSuite } from "./support/suite.ts";

let suite: TestSuite;
beforeAll(async () => {
  suite = await startLocal();
});
afterAll(() => suite.stop());

const modes: [string, () => Promise<Registry>][] = [
  ["over HTTP", () => artifactRegistry("images", { env: {}, url: suite.url, token: suite.token })],
  [
    "over HTTP, by its binding",
    () => {
      const binding = { service: "function", url: suite.url, platform: "local" };
      const env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: suite.token };
      return artifactRegistry("images", { env });
    },
  ],
  [
    "in this process",
    () => {
      const binding = { service: "local", registryUrl: suite.registryUrl, dataDir: suite.settings.dataDir };
      return artifactRegistry("images", { mode: "direct", env: { ALIEN_IMAGES_BINDING: JSON.stringify(binding) } });
    },
  ],
];

describe.each(modes)("a registry %s", (title, open) => {
  const name = `app-${title.length}`;
  let registry: Registry;
  beforeAll(async () => {
    registry = await open();
  });

  it("knows where it is", () => {
    expect(registry.registryEndpoint).toBe(suite.registryUrl);
    expect(registry.upstreamRepositoryPrefix).toBe("images");
  });

  it("creates, finds, opens and deletes a repository", async () => {
    const created = await registry.createRepository(name);
    expect(created).toMatchObject({ name: `images/${name}`, createdAt: expect.any(String) });
    expect(await registry.getRepository(created.name)).toEqual(created);
    expect(await registry.getRepository(name)).toEqual(created);
    expect(await registry.setupRepository(name)).toEqual(created);
    const credentials = await registry.generateCredentials(created.name, "push-pull", 60);
    expect(credentials).toEqual({
      authMethod: "basic",
      username: "token",
      password: expect.any(String),
      expiresAt: expect.any(String),
      scope: "repository",
      credentialId: expect.any(String),
    });
    const build = await registry.generateCredentials(name, "push-pull", undefined, {
      alsoPull: ["base"],
      timeoutMs: 60_000,
    });
    const claims = JSON.parse(Buffer.from(build.password.split(".")[1] ?? "", "base64url").toString());
    expect(claims.access).toEqual([
      { type: "repository", name: created.name, actions: ["pull", "push"] },
      { type: "repository", name: "images/base", actions: ["pull"] },
    ]);
    const { notBefore, certainBy } = await registry.revokeCredentials({ credentialId: credentials.credentialId });
    expect(Date.parse(notBefore)).toBeLessThanOrEqual(Date.parse(certainBy));
    const headers = { authorization: `Bearer ${credentials.password}` };
    expect((await fetch(`${registry.registryEndpoint}/v2/`, { headers })).status).toBe(401);
    await registry.deleteRepository(created.name);
    await expect(registry.getRepository(created.name)).rejects.toMatchObject({ code: "RESOURCE_NOT_FOUND" });
  });

  it("goes through repositories and images, however small the pages are", async () => {
    const names: string[] = [];
    for (const each of ["a", "b", "c"]) {
      names.push((await registry.createRepository(`listed-${title.length}-${each}`)).name);
    }
    const found: string[] = [];
    for await (const repository of registry.repositories({ pageSize: 2 })) found.push(repository.name);
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(names));
    for await (const image of registry.images(names[0] ?? "")) expect(image).toBeUndefined();
    await registry.deleteImage(names[0] ?? "", "1.0");
    const never = registry.images("never-created");
    await expect(never[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "RESOURCE_NOT_FOUND" });
    const ended = registry.removeGranteeAccess("aws:123456789012");
    await expect(ended[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
    for (const each of names) await registry.deleteRepository(each);
  });

  it("refuses what the platform cannot do, with its reason", async () => {
    const access = { type: "aws" as const, accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] };
    const refusal = { code: "OPERATION_NOT_SUPPORTED", httpStatusCode: 501, hint: expect.any(String) };
    await expect(registry.addCrossAccountAccess(name, access)).rejects.toMatchObject(refusal);
    await expect(registry.removeCrossAccountAccess(name, access)).rejects.toMatchObject(refusal);
    await expect(registry.getCrossAccountAccess(name)).rejects.toMatchObject(refusal);
  });

  it("refuses what is wrong, naming the field", async () => {
    await expect(registry.createRepository("")).rejects.toMatchObject({
      code: "INVALID_INPUT",
      context: { field: "name" },
    });
    await expect(registry.generateCredentials(name, "pull", -1)).rejects.toMatchObject({
      context: { field: "ttlSeconds" },
    });
  });
});

it("in this process mints each time: who it runs as may have changed", async () => {
  const binding = { service: "local", registryUrl: suite.registryUrl, dataDir: suite.settings.dataDir };
  const env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding) };
  const registry = await artifactRegistry("images", { mode: "direct", env });
  await registry.createRepository("app");
  const ask = async () => (await registry.generateCredentials("app", "pull")).password;
  expect(await ask()).not.toBe(await ask());
});

it("a wrong token is told at once", async () => {
  const opening = artifactRegistry("images", { env: {}, url: suite.url, token: "another-token" });
  await expect(opening).rejects.toMatchObject({ code: "AUTHENTICATION_ERROR", requestId: expect.any(String) });
});

it("a registry that is not bound is told at once, in both modes", async () => {
  const refusal = { code: "BINDING_NOT_CONFIGURED", hint: expect.stringContaining("ALIEN_OTHER_BINDING") };
  await expect(artifactRegistry("other", { env: {} })).rejects.toMatchObject(refusal);
  await expect(artifactRegistry("other", { env: {}, mode: "direct" })).rejects.toMatchObject(refusal);
});

it("a function's binding cannot run in this process", async () => {
  const env = { ALIEN_IMAGES_BINDING: '{"service":"function","url":"https://x","platform":"aws"}' };
  const opening = artifactRegistry("images", { env, mode: "direct" });
  await expect(opening).rejects.toMatchObject({ code: "BINDING_CONFIG_INVALID", hint: expect.stringContaining("ecr") });
});
