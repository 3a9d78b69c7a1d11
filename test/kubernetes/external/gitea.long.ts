import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { createClient, digestOf, pullImage, pushImage, repositoryMarker } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { openSuite } from "../../support/suite.ts";
import { tool } from "../../tools/tools.ts";
import { basicOf, type Login, mountAccounts } from "../support/files.ts";
import { type RunningGitea, startGitea } from "../support/gitea.ts";

const run = promisify(execFile);
const login = (username: string): Login => ({ username, password: `password of ${username}` });
const logins = { account: login("suite"), pullAccount: login("puller"), pushAccount: login("pusher") };

/** With its own accounts and its own tokens, and nothing before it. */
describe("Gitea by itself", () => {
  let gitea: RunningGitea;
  let accounts: Awaited<ReturnType<typeof mountAccounts>>;
  beforeAll(async () => {
    const writers = [logins.account, logins.pushAccount];
    gitea = await startGitea({ organizations: ["images", "builds"], readers: [logins.pullAccount], writers });
    accounts = await mountAccounts(logins);
  });
  afterAll(async () => {
    await gitea?.stop();
    await accounts?.remove();
  });

  const open = (more: object) => {
    const binding = { service: "external", registryUrl: gitea.url, ...accounts.files, ...more };
    return openSuite(platform, { ALIEN_IMAGES_BINDING: JSON.stringify(binding) });
  };
  const images = { repositoryPrefix: "images" };

  test.each(["pull", "push-pull"] as const)(
    "its tokens open all that their user may: none is handed out for %s",
    async (permissions) => {
      const suite = open(images);
      await suite.ask("createRepository", { name: "tokens" });
      const { body, text } = await suite.ask("generateCredentials", { repoId: "tokens", permissions });
      expect(body).toMatchObject({
        code: "OPERATION_NOT_SUPPORTED",
        retryable: false,
        hint: expect.stringContaining("not bound to one repository"),
      });
      expect(body.hint).toContain("staticCredentials");
      // The form of a JWT.
      expect(text).not.toContain("eyJ");
    },
  );

  test("the token that was not handed out would have opened another repository", async () => {
    const authorization = basicOf(logins.pushAccount);
    const url = `${gitea.url}/v2/token?service=container_registry&scope=repository:images/mine:pull`;
    const { token } = (await (await fetch(url, { headers: { authorization } })).json()) as { token: string };
    const client = createClient({ url: gitea.url, credentials: { bearer: token } });
    const image = buildImage({ seed: "not mine" });
    await pushImage(client, "builds/not-mine", "1.0", image);
    expect(await pullImage(client, "builds/not-mine", "1.0")).toEqual(image);
  });

  test("what real clients push is found, and deleted whole; its neighbour is not", async () => {
    const suite = open(images);
    const { name, uri } = (await suite.ask("createRepository", { name: "clients" })).body;
    expect([name, uri]).toEqual(["images/clients", `${gitea.host}/images/clients`]);
    const owner = createClient({ url: gitea.url, credentials: logins.account });
    const index = buildIndex({ seed: "clients" });
    await pushImage(owner, "images/clients", "multi", index);
    const folder = await mkdtemp(join(tmpdir(), "gitea-clients-"));
    try {
      const { username, password } = logins.pushAccount;
      const account = ["--src-creds", `${username}:${password}`, "--dest-creds", `${username}:${password}`];
      const skopeo = ["copy", "-q", "--all", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"];
      for (const place of ["clients:2.0", "clients-near:2.0"]) {
        await run(tool("skopeo"), [
          ...skopeo,
          ...account,
          `docker://${uri}:multi`,
          `docker://${gitea.host}/images/${place}`,
        ]);
      }
      const env = { ...process.env, DOCKER_CONFIG: folder };
      await run(tool("crane"), ["auth", "login", gitea.host, "-u", username, "-p", password], { env });
      const { stdout } = await run(tool("crane"), ["digest", "--insecure", `${uri}:2.0`], { env });
      expect(stdout.trim()).toBe(index.index.digest);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    expect((await owner.tags("images/clients")).sort()).toEqual(["2.0", repositoryMarker.tag, "multi"]);
    expect((await suite.ask("deleteRepository", { repoId: "clients" })).status).toBe(200);
    expect((await suite.ask("getRepository", { repoId: "clients" })).body.code).toBe("RESOURCE_NOT_FOUND");
    expect(await owner.tags("images/clients").catch(() => [])).toEqual([]);
    for (const { digest } of [index.index, ...index.images.map(({ manifest }) => manifest)]) {
      expect(await owner.headManifest("images/clients", digest)).toBeUndefined();
    }
    expect(await pullImage(owner, "images/clients-near", "2.0")).toEqual(index);
  });

  test("without a referrers API, a signature goes with its image, by the tag that clients keep for it", async () => {
    const suite = open(images);
    const owner = createClient({ url: gitea.url, credentials: logins.account });
    const image = buildImage({ seed: "signed" });
    await pushImage(owner, "images/signed", "1.0", image);
    const folder = await mkdtemp(join(tmpdir(), "gitea-signed-"));
    let signature: string;
    try {
      const config = { auths: { [gitea.host]: { auth: basicOf(logins.account).slice("Basic ".length) } } };
      await writeFile(join(folder, "config.json"), JSON.stringify(config));
      const env = { ...process.env, DOCKER_CONFIG: folder, REGCTL_CONFIG: join(folder, "regctl.json") };
      const host = ["--host", `reg=${gitea.host},tls=disabled`];
      const made = [
        "--artifact-type",
        "application/vnd.example.signature",
        "--format",
        "{{ .Manifest.GetDescriptor.Digest }}",
      ];
      const attach = run(
        tool("regctl"),
        ["artifact", "put", ...host, ...made, "--subject", `${gitea.host}/images/signed:1.0`],
        { env },
      );
      attach.child.stdin?.end("a signature");
      signature = (await attach).stdout.trim();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    expect(await owner.headManifest("images/signed", signature)).toBeDefined();
    expect(await owner.tags("images/signed")).toContain(image.manifest.digest.replace(":", "-"));
    expect((await suite.ask("deleteRepository", { repoId: "signed" })).status).toBe(200);
    expect(await owner.headManifest("images/signed", signature)).toBeUndefined();
    expect(await owner.headManifest("images/signed", image.manifest.digest)).toBeUndefined();
    expect(await owner.tags("images/signed")).toEqual([]);
  });

  test("tags are kept in lower case", async () => {
    const owner = createClient({ url: gitea.url, credentials: logins.account });
    await pushImage(owner, "images/case", "V1", buildImage({ seed: "upper" }));
    await pushImage(owner, "images/case", "v1", buildImage({ seed: "lower" }));
    expect(await owner.tags("images/case")).toEqual(["v1"]);
  });

  test("an account that may push may delete there too: it is not handed out", async () => {
    const suite = open({ staticCredentials: true });
    await suite.ask("createRepository", { name: "images/static" });
    const { body } = await suite.ask("generateCredentials", { repoId: "images/static", permissions: "push-pull" });
    expect(body).toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      message: expect.stringContaining("would delete beyond what they say"),
      hint: expect.stringContaining("a proxy in front of it"),
    });
  });

  test("an account that may only pull is handed out, and pulls only", async () => {
    const suite = open({ staticCredentials: true });
    await suite.ask("createRepository", { name: "images/read" });
    const { body } = await suite.ask("generateCredentials", { repoId: "images/read", permissions: "pull" });
    expect(body).toEqual({ authMethod: "basic", ...logins.pullAccount, scope: "registry" });
    const image = buildImage({ seed: "read" });
    const owner = createClient({ url: gitea.url, credentials: logins.account });
    await pushImage(owner, "images/read", "1.0", image);
    const client = createClient({ url: gitea.url, credentials: logins.pullAccount });
    expect(await pullImage(client, "images/read", "1.0")).toEqual(image);
    const bytes = Buffer.from("a layer");
    await expect(client.pushBlob("images/read", { digest: digestOf(bytes), body: bytes })).rejects.toMatchObject({
      status: 401,
    });
    await expect(client.deleteManifest("images/read", "1.0")).rejects.toMatchObject({ status: 401 });
  });

  test("an owner that does not exist looks open to who tries: with a prefix it is not handed out", async () => {
    const suite = open({ ...images, staticCredentials: true });
    await suite.ask("createRepository", { name: "read" });
    const { body } = await suite.ask("generateCredentials", { repoId: "read", permissions: "pull" });
    expect(body).toMatchObject({ code: "OPERATION_NOT_SUPPORTED", hint: expect.stringContaining("a proxy") });
  });

  test("an organization that does not exist is told as the binding's fault", async () => {
    const suite = open({ repositoryPrefix: "nobody" });
    const { body } = await suite.ask("createRepository", { name: "app" });
    expect(body).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      retryable: false,
      hint: expect.stringContaining("repositoryPrefix"),
    });
    expect((await suite.ask("getRepository", { repoId: "app" })).body.code).toBe("RESOURCE_NOT_FOUND");
  });
});
