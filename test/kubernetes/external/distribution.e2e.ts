import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { createClient, pushImage, repositoryMarker } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { openSuite, type TestSuite } from "../../support/suite.ts";
import { tool } from "../../tools/tools.ts";
import { startDistribution } from "../support/distribution.ts";
import { type Login, mountAccounts } from "../support/files.ts";
import { startTokenRegistry } from "../support/token-registry.ts";

const run = promisify(execFile);
const login = (username: string): Login => ({ username, password: `password of ${username}` });

describe("distribution with tokens", () => {
  let stack: Awaited<ReturnType<typeof startTokenRegistry>>;
  let suite: TestSuite;
  beforeAll(async () => {
    stack = await startTokenRegistry(tool("docker-registry"));
    suite = openSuite(platform, { ALIEN_IMAGES_BINDING: stack.binding("images") });
  });
  afterAll(() => stack?.stop());

  const mint = async (repoId: string, permissions: "pull" | "push-pull") =>
    String((await suite.ask("generateCredentials", { repoId, permissions })).body.password);

  test("skopeo pulls with the bearer to pull, and pushes nothing with it", async () => {
    const { body } = await suite.ask("createRepository", { name: "clients" });
    const name = String(body.name);
    const push = createClient({ url: stack.registry.url, credentials: { bearer: await mint(name, "push-pull") } });
    await pushImage(push, name, "1.0", buildImage({ seed: name }));
    const bearer = await mint(name, "pull");
    const folder = await mkdtemp(join(tmpdir(), "external-clients-"));
    try {
      const remote = `docker://${stack.registry.host}/${name}`;
      const skopeo = ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"];
      await run(tool("skopeo"), [
        ...skopeo,
        "--src-registry-token",
        bearer,
        `${remote}:1.0`,
        `oci:${folder}/image:1.0`,
      ]);
      const upward = [...skopeo, "--dest-registry-token", bearer, `oci:${folder}/image:1.0`, `${remote}:2.0`];
      await expect(run(tool("skopeo"), upward)).rejects.toThrow(/unauthorized|denied|authentication/i);
      expect((await push.tags(name)).sort()).toEqual(["1.0", repositoryMarker.tag]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("a repository of many tags is deleted whole, its neighbour is not", async () => {
    const owner = createClient({ url: stack.registry.url, credentials: login("suite") });
    const [many, near] = ["images/many", "images/many-near"];
    const image = buildImage({ seed: many });
    const index = buildIndex({ seed: many });
    await pushImage(owner, near, "1.0", image);
    for (let i = 0; i < 60; i++) await pushImage(owner, many, `v${i}`, i % 2 === 0 ? image : index);
    expect((await suite.ask("deleteRepository", { repoId: many })).status).toBe(200);
    expect(await owner.tags(many).catch(() => [])).toEqual([]);
    for (const { digest } of [image.manifest, index.index, ...index.images.map(({ manifest }) => manifest)]) {
      expect(await owner.headManifest(many, digest)).toBeUndefined();
    }
    expect(await owner.tags(near)).toEqual(["1.0"]);
  });
});

describe("distribution with deletion off", () => {
  test("says so, naming the setting", async () => {
    const stack = await startTokenRegistry(tool("docker-registry"), { deletion: false });
    try {
      const suite = openSuite(platform, { ALIEN_IMAGES_BINDING: stack.binding("images") });
      const { body } = await suite.ask("createRepository", { name: "kept" });
      const deleted = await suite.ask("deleteRepository", { repoId: String(body.name) });
      expect(deleted.body).toMatchObject({ code: "OPERATION_NOT_SUPPORTED", retryable: false });
      expect(deleted.body.hint).toContain("storage.delete.enabled");
      expect((await suite.ask("getRepository", { repoId: "kept" })).status).toBe(200);
    } finally {
      await stack.stop();
    }
  });
});

describe("distribution with htpasswd alone", () => {
  async function withRegistry(
    deletion: boolean,
    work: (bind: (more: object) => TestSuite, url: string) => Promise<void>,
  ) {
    const users = ["suite", "puller", "pusher"].map(login);
    const registry = await startDistribution({ binary: tool("docker-registry"), auth: { users }, deletion });
    const accounts = await mountAccounts({
      account: login("suite"),
      pullAccount: login("puller"),
      pushAccount: login("pusher"),
    });
    const binding = { service: "external", registryUrl: registry.url, ...accounts.files };
    const bind = (more: object) =>
      openSuite(platform, { ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, ...more }) });
    try {
      await work(bind, registry.url);
    } finally {
      await registry.stop();
      await accounts.remove();
    }
  }
  const mint = (suite: TestSuite, permissions: "pull" | "push-pull") =>
    suite.ask("generateCredentials", { repoId: "app", permissions });

  test("creates, finds and deletes, and mints nothing", () =>
    withRegistry(true, async (bind, url) => {
      const suite = bind({ repositoryPrefix: "images" });
      const { body } = await suite.ask("createRepository", { name: "app" });
      const owner = createClient({ url, credentials: login("suite") });
      await pushImage(owner, String(body.name), "1.0", buildImage({ seed: "app" }));
      const refused = await mint(suite, "push-pull");
      expect(refused.body).toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
      expect(refused.body.hint).toContain("staticCredentials");
      expect((await suite.ask("deleteRepository", { repoId: "app" })).status).toBe(200);
      expect((await suite.ask("getRepository", { repoId: "app" })).body.code).toBe("RESOURCE_NOT_FOUND");
    }));

  test("hands out no account, since each of them may do everything", () =>
    withRegistry(true, async (bind) => {
      for (const repositoryPrefix of ["images", undefined]) {
        const suite = bind({ staticCredentials: true, repositoryPrefix });
        await suite.ask("createRepository", { name: "app" });
        for (const permissions of ["pull", "push-pull"] as const) {
          expect((await mint(suite, permissions)).body.code).toBe("OPERATION_NOT_SUPPORTED");
        }
      }
    }));

  test("hands out the account to push where nothing can be deleted and everything is this registry's", () =>
    withRegistry(false, async (bind, url) => {
      const suite = bind({ staticCredentials: true });
      await suite.ask("createRepository", { name: "app" });
      expect((await mint(suite, "pull")).body.code).toBe("OPERATION_NOT_SUPPORTED");
      const { body } = await mint(suite, "push-pull");
      expect(body).toMatchObject({ authMethod: "basic", ...login("pusher"), scope: "registry" });
      const client = createClient({ url, credentials: login("pusher") });
      await pushImage(client, "app", "1.0", buildImage({ seed: "app" }));
    }));
});
