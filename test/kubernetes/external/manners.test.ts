import { afterEach, describe, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { createClient, pushImage, repositoryMarker } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { openSuite } from "../../support/suite.ts";
import { type Manners, manners, startMannered } from "../support/manners.ts";
import { logins } from "../support/token-registry.ts";

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

async function start(as: Manners, more: (files: Record<string, object>) => object = () => ({})) {
  const stack = await startMannered(as);
  running.push(stack);
  const binding = stack.binding("images", more(stack.accounts.files));
  const client = createClient({ url: stack.registry.url, credentials: logins.account });
  return { suite: openSuite(platform, { ALIEN_IMAGES_BINDING: binding }), client, tokens: stack.tokens };
}

describe("an account that the registry knows, and that may not do it", () => {
  test("is denied, and not told to have a wrong password", async () => {
    const { suite } = await start({}, ({ pullAccount }) => ({ account: pullAccount }));
    const { status, body } = await suite.ask("createRepository", { name: "app" });
    expect([status, body.code, body.retryable]).toEqual([403, "ACCESS_DENIED", false]);
    expect(body).toMatchObject({ context: { field: "account" }, hint: expect.stringContaining("project") });
  });

  test("is denied as well where the project is not there", async () => {
    const { suite } = await start({}, () => ({ repositoryPrefix: "elsewhere" }));
    expect((await suite.ask("getRepository", { repoId: "app" })).body.code).toBe("ACCESS_DENIED");
  });
});

describe("Quay's tokens", () => {
  test("to push, which delete as well, are handed out only if the binding accepts that", async () => {
    const { suite, client } = await start(manners.quay);
    await suite.ask("createRepository", { name: "app" });
    const refused = await suite.ask("generateCredentials", { repoId: "app", permissions: "push-pull" });
    expect(refused.body).toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      message: expect.stringContaining("would delete"),
      hint: expect.stringContaining("pushMayDelete"),
    });
    expect((await suite.ask("generateCredentials", { repoId: "app", permissions: "pull" })).status).toBe(200);
    expect(await client.tags("images/app")).toEqual([repositoryMarker.tag]);
  });

  test("live as long as they say themselves", async () => {
    const { suite, tokens } = await start(manners.quay);
    tokens.seconds = 3_600;
    const before = Date.now();
    const { body } = await suite.ask("generateCredentials", { repoId: "app", permissions: "pull" });
    // The end is a whole second.
    expect(Date.parse(String(body.expiresAt))).toBeGreaterThanOrEqual(before + 3_599_000);
  });
});

describe("a registry that keeps what is in use, as zot", () => {
  test("loses an image with several tags, and indexes that share one, with every layer", async () => {
    const { suite, client } = await start(manners.zot);
    const [index, image] = [buildIndex({ seed: "shared" }), buildImage({ seed: "tagged" })];
    for (const tag of ["multi", "multi-too"]) await pushImage(client, "images/app", tag, index);
    const [first] = index.images;
    if (first === undefined) throw new Error("The index is empty.");
    const bytes = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(index.index.bytes).toString()), annotations: {} }),
    );
    await client.pushManifest("images/app", "again", { bytes, mediaType: index.index.mediaType });
    await pushImage(client, "images/app", "child", first);
    for (const tag of ["1.0", "latest"]) await pushImage(client, "images/app", tag, image);
    expect(await suite.ask("deleteRepository", { repoId: "app" })).toMatchObject({ status: 200 });
    expect(await client.tags("images/app").catch(() => [])).toEqual([]);
    for (const each of [image, ...index.images]) {
      expect(await client.headManifest("images/app", each.manifest.digest)).toBeUndefined();
      for (const digest of each.blobs.keys()) expect(await client.headBlob("images/app", digest)).toBeUndefined();
    }
  });

  test("is told if something that no list leads to holds an image to the end", async () => {
    const { suite, client } = await start({ content: { ...manners.zot.content, collectsUntagged: false } });
    const index = buildIndex({ seed: "held" });
    await pushImage(client, "images/app", index.index.digest, index);
    const [first] = index.images;
    if (first === undefined) throw new Error("The index is empty.");
    await pushImage(client, "images/app", "child", first);
    const { body } = await suite.ask("deleteRepository", { repoId: "app" });
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", hint: expect.any(String) });
  });

  test("of earlier versions: a marker without a tag is still found, and deleted", async () => {
    const { suite, client } = await start({});
    const { config, manifest } = repositoryMarker;
    await client.pushBlob("images/app", { digest: config.digest, body: config.bytes });
    await client.pushManifest("images/app", manifest.digest, manifest);
    expect((await suite.ask("getRepository", { repoId: "app" })).status).toBe(200);
    expect((await suite.ask("deleteRepository", { repoId: "app" })).status).toBe(200);
    expect((await suite.ask("getRepository", { repoId: "app" })).status).toBe(404);
  });
});
