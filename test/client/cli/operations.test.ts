import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../../client/cli/commands.ts";
import { operationNames } from "../../../core/operations.ts";
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
