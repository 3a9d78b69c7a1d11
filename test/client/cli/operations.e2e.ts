import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../../client/cli/commands.ts";
import { operationNames } from "../../../core/operations.ts";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { startLocal, type TestSuite } from "../support/suite.ts";
import { alien } from "./support/run.ts";

let suite: TestSuite;
let env: Record<string, string>;
beforeAll(async () => {
  suite = await startLocal();
  const binding = { service: "function", url: suite.url, platform: "local" };
  env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: suite.token };
});
afterAll(() => suite.stop());

/** What a command answers with --json. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await alien([...args, "--json"], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

it("every operation has a command", () => {
  expect([...new Set(Object.values(commands).map(({ operation }) => operation))].sort()).toEqual(
    [...operationNames].sort(),
  );
});

describe("on the local platform", () => {
  it("creates, shows and deletes a repository", async () => {
    const created = await alien(["create", "my-app"], env);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    expect(created.stdout).toMatch(/^Name +images\/my-app\nURI +127\.0\.0\.1:\d+\/images\/my-app\nCreated +20\S+Z\n$/);
    expect(await json("get", "my-app")).toMatchObject({ name: "images/my-app", createdAt: expect.any(String) });
    expect(await alien(["setup", "my-app", "--quiet"], env)).toEqual({
      code: 0,
      stdout: "images/my-app\n",
      stderr: "",
    });
    expect(await alien(["delete", "images/my-app", "--yes"], env)).toMatchObject({
      code: 0,
      stdout: "Deleted images/my-app.\n",
    });
    const gone = await alien(["get", "images/my-app"], env);
    expect(gone).toMatchObject({ code: 5, stdout: "" });
    expect(gone.stderr).toMatch(
      /^error: There is no repository .* \[RESOURCE_NOT_FOUND\]\nhint: {2}\S.*\nrequest \S+\n$/,
    );
  });

  it("mints credentials: all of them, or the password alone", async () => {
    await json("create", "minted");
    const minted = await json("credentials", "minted", "--permissions", "push-pull", "--ttl", "60");
    expect(minted).toMatchObject({ authMethod: "basic", username: "token", scope: "repository" });
    const { stdout } = await alien(["credentials", "minted"], env);
    expect(stdout).toMatch(/^Username +token\nPassword +\S+\nMethod +basic\nScope +repository\nExpires +20\S+Z\n$/);
    const alone = await alien(["credentials", "minted", "-q"], env);
    expect(alone.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(alone.stderr).toBe("");
  });

  it("mints credentials that also pull from other repositories", async () => {
    await json("create", "built");
    const { password } = await json("credentials", "built", "--also-pull", "base", "--also-pull", "images/tools");
    const claims = JSON.parse(Buffer.from(password.split(".")[1], "base64url").toString());
    expect(claims.access.map(({ name }: { name: string }) => name)).toEqual([
      "images/built",
      "images/base",
      "images/tools",
    ]);
    const refused = await alien(["credentials", "built", "--also-pull", "../x"], env);
    expect(refused.stderr).toMatch(/^error: .*relative path segment.* \[INVALID_INPUT\]/);
  });

  it("lists repositories and images, and deletes a tag and an image", async () => {
    const { name } = await json("create", "listed");
    const image = buildImage({ seed: "listed" });
    const { password } = await json("credentials", "listed", "--permissions", "push-pull");
    const client = createClient({ url: suite.registryUrl, credentials: { username: "token", password } });
    for (const tag of ["1.0", "latest"]) await pushImage(client, name, tag, image);
    const { repositories } = await json("list", "--page-size", "1");
    expect(repositories.map((each: { name: string }) => each.name)).toContain(name);
    expect((await alien(["list"], env)).stdout).toMatch(
      /^REPOSITORY +CREATED +URI\n(.*\n)*images\/listed +20\S+Z +\S+\/images\/listed\n/,
    );
    expect((await alien(["list", "--quiet"], env)).stdout.split("\n")).toContain(name);
    const { images } = await json("images", "listed");
    expect(images).toMatchObject([{ digest: image.manifest.digest, tags: ["1.0", "latest"] }]);
    expect((await alien(["images", "listed"], env)).stdout).toMatch(
      /^DIGEST +TAGS +SIZE +PUSHED +LAST PULLED\nsha256:\S+ +1\.0, latest +[\d.]+ k?B +20\S+Z +-\n$/,
    );
    expect(await alien(["delete-image", "listed", "latest"], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes"),
    });
    await alien(["delete-image", "listed", "latest", "--yes"], env);
    expect((await json("images", "listed")).images[0].tags).toEqual(["1.0"]);
    const { stdout } = await alien(["delete-image", "listed", image.manifest.digest, "--yes"], env);
    expect(stdout).toBe(`Deleted ${image.manifest.digest} of listed.\n`);
    expect(await alien(["images", "listed"], env)).toMatchObject({ code: 0, stdout: "There are no images.\n" });
    expect((await alien(["images", "listed", "--quiet"], env)).stdout).toBe("");
    await json("delete", "listed", "--yes");
  });

  it("says that consumers are no matter of this platform", async () => {
    for (const command of ["who", "cut-off"]) {
      const refused = await alien([command, "aws:123456789012", ...(command === "cut-off" ? ["--yes"] : [])], env);
      expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining("OPERATION_NOT_SUPPORTED")]);
      expect((await alien([command, "aws:*", "--yes"].slice(0, command === "who" ? 2 : 3), env)).code).toBe(2);
    }
  });

  it("tells a shell the names that it completes", async () => {
    await json("create", "completed");
    expect((await alien(["names", "registries"], env)).stdout).toBe("images\n");
    expect((await alien(["names", "repositories"], env)).stdout.split("\n")).toContain("images/completed");
    const elsewhere = { ...env, ALIEN_CALLER_TOKEN: "wrong" };
    expect(await alien(["names", "repositories"], elsewhere)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("ends credentials: asks first, and says what it ended", async () => {
    const minted = await json("credentials", "minted-too", "--ttl", "70");
    const status = async () => {
      const headers = { authorization: `Bearer ${minted.password}` };
      return (await fetch(`${suite.registryUrl}/v2/`, { headers })).status;
    };
    const another = ["--repository", "minted-too", "--permissions", "pull", "--issuer", "door", "--subject", "another"];
    const { code, stdout } = await alien(["revoke-credentials", ...another, "--yes"], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Ended the credentials for pull of minted-too that door another got, as far as minted before \S+Z\. Certain by \S+Z\.\n$/,
    );
    expect(await alien(["revoke-credentials", "--credential-id", minted.credentialId], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes"),
    });
    expect(await alien(["revoke-credentials", "--subject", "local", "--yes"], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--issuer is missing"),
    });
    expect(await status()).toBe(200);
    const answer = await json("revoke-credentials", "--credential-id", minted.credentialId, "--yes");
    expect(answer).toEqual({ notBefore: expect.any(String), certainBy: expect.any(String) });
    expect(await status()).toBe(401);
    const all = await alien(["revoke-credentials", "--yes"], env);
    expect(all.stdout).toMatch(/^Ended every credential of the registry "images", /);
    expect((await alien(["revoke-credentials", "--yes", "--quiet"], env)).stdout).toMatch(/^20\S+Z\n$/);
  });

  it("gives the running registry a new key", async () => {
    const { password } = await json("credentials", "rotated", "--ttl", "80");
    const status = async () =>
      (await fetch(`${suite.registryUrl}/v2/`, { headers: { authorization: `Bearer ${password}` } })).status;
    const folder = ["--data-dir", suite.settings.dataDir];
    const rotated = await alien(["rotate-key", ...folder], env);
    expect(rotated).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^A new key signs\. Credentials of the old one .* 20\S+Z at the latest\.\n$/),
      stderr: "",
    });
    expect(await status()).toBe(200);
    expect(await alien(["rotate-key", "--end-all"], { ...env, DATA_DIR: suite.settings.dataDir })).toMatchObject({
      code: 0,
      stdout: "A new key signs. No credential of an old key counts.\n",
    });
    expect(await status()).toBe(401);
    const nowhere = await alien(["rotate-key", "--data-dir", `${suite.settings.dataDir}/nowhere`], env);
    expect(nowhere).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("There is no ") });
  });

  it("describes and provisions the registry, and removes it with what it holds", async () => {
    await json("create", "held");
    const described = await alien(["describe"], env);
    expect(described.stdout).toContain("Health       healthy\n");
    expect(described.stdout).toMatch(/^NOT SUPPORTED +REASON\naddCrossAccountAccess +\S/m);
    expect(await json("describe")).toMatchObject({ service: "local", health: { status: "healthy" } });
    const provisioned = await alien(["provision"], env);
    expect(provisioned.stdout).toMatch(/^ALIEN_IMAGES_BINDING='\{"service":"local",.*\}'$/m);
    expect(await alien(["deprovision", "--yes"], env)).toMatchObject({ code: 6 });
    expect(await alien(["deprovision", "--yes", "--delete-repositories"], env)).toMatchObject({
      code: 0,
      stdout: "Removed the registry images.\n",
    });
    expect(await alien(["get", "held"], env)).toMatchObject({ code: 5 });
  });

  it.each([["grant", "--account", "123456789012"], ["revoke", "--account", "123456789012"], ["access"]])(
    "refuses %s with the platform's own way",
    async (command, ...options) => {
      const { code, stdout, stderr } = await alien([command, "my-app", ...options, "--json"], env);
      expect({ code, stdout }).toEqual({ code: 7, stdout: "" });
      expect(JSON.parse(stderr)).toMatchObject({ code: "OPERATION_NOT_SUPPORTED", hint: expect.stringMatching(/\S/) });
    },
  );

  it("runs the adapter in its own process with --direct", async () => {
    const binding = { service: "local", registryUrl: suite.registryUrl, dataDir: suite.settings.dataDir };
    const direct = { ALIEN_IMAGES_BINDING: JSON.stringify(binding) };
    expect(await alien(["create", "direct", "--direct", "-q"], direct)).toEqual({
      code: 0,
      stdout: "images/direct\n",
      stderr: "",
    });
    const { code, stderr } = await alien(["get", "direct"], direct);
    expect(code).toBe(3);
    expect(stderr).toContain("--direct");
  });
});
