import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApplication } from "../../../core/application.ts";
import { doorCaller } from "../../../core/caller.ts";
import { fixedRules } from "../../../core/rules-source.ts";
import { readDirectory } from "../../../core/suite.ts";
import { platform } from "../../../functions/kubernetes/index.ts";
import { type Bench, type Slot, startBench } from "./support/bench.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.stop());

const mint = (slot: Slot, permissions: "pull" | "push-pull", more: object = {}) =>
  slot
    .suite({ staticCredentials: true, ...more })
    .ask("generateCredentials", { repoId: slot.name, permissions, ttlSeconds: 60 });

describe("static accounts", () => {
  test.each(["pull", "push-pull"] as const)(
    "%s: the account itself, which opens the registry and does not end",
    async (permissions) => {
      const slot = await bench.slot();
      const { body } = await mint(slot, permissions);
      expect(body).toMatchObject({
        authMethod: "basic",
        username: "token",
        password: expect.any(String),
        scope: "registry",
      });
    },
  );

  const tooMuch: [what: string, actions: string[], permissions: "pull" | "push-pull", does: string][] = [
    ["a pull account that pushes", ["pull", "push"], "pull", "push"],
    ["a pull account that deletes", ["pull", "delete"], "pull", "delete"],
    ["a push account that deletes", ["pull", "push", "delete"], "push-pull", "delete"],
  ];
  test.each(tooMuch)("%s is not handed out", async (_, actions, permissions, does) => {
    const slot = await bench.slot();
    const secret = bench.accounts.secrets[permissions === "pull" ? "pullAccount" : "pushAccount"];
    await secret.replace({ ...bench.registry.account(actions) });
    try {
      const { body, text } = await mint(slot, permissions);
      expect(body).toMatchObject({
        code: "OPERATION_NOT_SUPPORTED",
        message: expect.stringContaining(`would ${does}`),
      });
      expect(text).not.toContain('password":');
    } finally {
      await secret.replace({ ...bench.registry.account(permissions === "pull" ? ["pull"] : ["pull", "push"]) });
    }
  });

  test("one that opens what lies outside the prefix is not handed out", async () => {
    const slot = await bench.slot();
    // The account opens `images/…`; that registry is a part of it.
    const { body } = await slot
      .suite({ staticCredentials: true, repositoryPrefix: "images/inner" })
      .ask("generateCredentials", { repoId: "images/inner/app", permissions: "pull" });
    expect(body).toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      message: expect.stringContaining("outside its registry"),
      hint: expect.stringContaining("prefix"),
    });
  });

  test.each([
    ["the function's own", { pullAccount: "account" }],
    ["the one to push", { pullAccount: "pushAccount" }],
  ] as const)("the account to pull may not be %s", async (_, { pullAccount }) => {
    const slot = await bench.slot();
    const { body } = await mint(slot, "pull", { pullAccount: bench.accounts.files[pullAccount] });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { field: "pullAccount" } });
    expect(slot.front.passed).toEqual([]);
  });

  test("a wrong password is told, and is not handed out", async () => {
    const slot = await bench.slot();
    await bench.accounts.secrets.pullAccount.replace({ username: "token", password: "stale" });
    const { body } = await mint(slot, "pull");
    await bench.accounts.secrets.pullAccount.replace({ ...bench.registry.account(["pull"]) });
    expect(body).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining("up to date") });
  });

  test("need a rule that covers every repository; tokens need one for theirs", async () => {
    const slot = await bench.slot();
    const ask = async (staticCredentials: boolean, repositories: string[]) => {
      const rules = [
        {
          callers: [{ issuer: "door", subject: "alice" }],
          operations: ["generateCredentials"],
          registries: ["images"],
          repositories,
        },
      ];
      const binding = {
        service: "external",
        registryUrl: slot.front.url,
        repositoryPrefix: "images",
        staticCredentials,
        ...bench.accounts.files,
      };
      const application = createApplication({
        directory: readDirectory(platform, { ALIEN_IMAGES_BINDING: JSON.stringify(binding) }, rules),
        rules: fixedRules(rules),
        door: { name: "local", accepts: "http", admits: () => true, authenticate: async () => doorCaller("alice") },
        audit: () => {},
      });
      const answer = await application.run({
        operation: "generateCredentials",
        input: () => ({ registry: "images", repoId: slot.name, permissions: "pull" }),
        evidence: {},
      });
      return answer.ok ? "OK" : answer.error.code;
    };
    expect(await ask(true, [slot.name])).toBe("ACCESS_DENIED");
    expect(await ask(true, ["*"])).toBe("OK");
    expect(await ask(false, [slot.name])).toBe("OK");
    expect(await ask(false, ["images/other"])).toBe("ACCESS_DENIED");
  });
});
