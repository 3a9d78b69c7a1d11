import { describe, expect, test } from "vitest";
import type { Rule } from "../../core/rules.ts";
import { caller, createSuite, type SuiteOptions } from "../support/application.ts";
import { allowAll } from "../support/inputs.ts";

const base = "images/base";
const tools = "images/tools";

async function mint(options: SuiteOptions, alsoPull: unknown, more: object = {}) {
  const suite = createSuite(options);
  const input = { registry: "images", repoId: "my-app", permissions: "push-pull", alsoPull, ...more };
  const evidence = { platformCaller: { ...caller, claims: { environment: "prod", team: "base" } } };
  const answer = await suite.application.run({ operation: "generateCredentials", input: () => input, evidence });
  return {
    code: answer.ok ? "OK" : answer.error.code,
    error: answer.ok ? undefined : answer.error,
    minted: suite.registry.recorded.map(({ repository, detail }) => ({ repository, ...(detail as object) })),
    line: suite.audit[0],
  };
}

const app: Rule = { ...allowAll("aws"), repositories: ["images/my-app"], permissions: ["push-pull"] };
const pullBase: Rule = { ...allowAll("aws"), repositories: [base], permissions: ["pull"] };

describe("further repositories to pull from", () => {
  test("are resolved, and each is there once, without the repository itself", async () => {
    const { code, minted, line } = await mint({}, ["base", base, "my-app", "images/my-app", "TOOLS", tools]);
    expect(code).toBe("OK");
    const alsoPull = [base, expect.stringMatching(/^images\/tools-[a-z2-7]{20}$/), tools];
    expect(minted).toEqual([
      { repository: "images/my-app", permissions: "push-pull", ttlSeconds: undefined, alsoPull },
    ]);
    expect(line).toMatchObject({ repoId: "images/my-app", permissions: "push-pull", alsoPull, outcome: "OK" });
  });

  test("that come to nothing are left out", async () => {
    for (const alsoPull of [[], ["my-app"], undefined]) {
      const [minted] = (await mint({}, alsoPull)).minted;
      expect(minted).toEqual({ repository: "images/my-app", permissions: "push-pull", ttlSeconds: undefined });
    }
  });

  test.each<[unknown, string]>([
    [["base", "../x"], "alsoPull.1"],
    [["base", "https://elsewhere.example/x"], "alsoPull.1"],
    [["", "base"], "alsoPull.0"],
    [["base", 1], "alsoPull.1"],
    ["base", "alsoPull"],
    [null, "alsoPull"],
    [Array.from({ length: 11 }, (_, place) => `base-${place}`), "alsoPull"],
  ])("%j are refused, and the field is named", async (alsoPull, field) => {
    const { error, minted, line } = await mint({}, alsoPull);
    expect(error).toMatchObject({ code: "INVALID_INPUT", context: { field } });
    expect(minted).toEqual([]);
    expect(line?.outcome).toBe("INVALID_INPUT");
  });

  test("may be ten", async () => {
    const ten = Array.from({ length: 10 }, (_, place) => `images/base-${place}`);
    expect((await mint({}, ten)).minted).toMatchObject([{ alsoPull: ten }]);
  });
});

describe("the rules must allow pull on each", () => {
  test("and a rule of its own may do so", async () => {
    expect((await mint({ rules: [app, pullBase] }, [base])).code).toBe("OK");
    expect((await mint({ rules: [app, { ...pullBase, repositories: ["images/*"] }] }, [base, tools])).code).toBe("OK");
  });

  test("no rule for one of them refuses all, and that one is named", async () => {
    const { error, minted, line } = await mint({ rules: [app, pullBase] }, [base, "tools"]);
    expect(error).toMatchObject({
      code: "ACCESS_DENIED",
      message: `No access rule allows the caller pull of "${tools}".`,
      context: { field: "alsoPull" },
    });
    expect(minted).toEqual([]);
    expect(line).toMatchObject({ alsoPull: [base, tools], reason: "RULES_LACK_RULE", upstreamCalls: 0 });
  });

  test.each<[string, Partial<Rule>, string, string]>([
    ["for push-pull alone", { permissions: ["push-pull"] }, "permissions", "RULES_LACK_PERMISSIONS"],
    ["for the gateway alone", { via: ["gateway"] }, "via", "RULES_LACK_VIA"],
    [
      "for other claims",
      { callers: [{ issuer: caller.issuer, subject: "*", claims: { team: "x" } }] },
      "claims",
      "RULES_LACK_CLAIMS",
    ],
    ["for another operation", { operations: ["getRepository"] }, "alsoPull", "RULES_LACK_RULE"],
    ["for another registry", { registries: ["builds"] }, "alsoPull", "RULES_LACK_RULE"],
  ])("a rule %s does not", async (_title, part, field, reason) => {
    const { error, line } = await mint({ rules: [app, { ...pullBase, ...part }] }, [base]);
    expect(error).toMatchObject({ code: "ACCESS_DENIED", context: { field } });
    expect(line?.reason).toBe(reason);
  });

  test("a rule for what is pulled from lends nothing to the repository itself", async () => {
    const { error } = await mint({ rules: [{ ...app, permissions: ["pull"] }, pullBase] }, [base]);
    expect(error).toMatchObject({ code: "ACCESS_DENIED", context: { field: "permissions" } });
  });

  test.each([
    [{ maxTtlSeconds: 900 }, { maxTtlSeconds: 60 }, 60],
    [{ maxTtlSeconds: 60 }, { maxTtlSeconds: 900 }, 60],
    [{}, { maxTtlSeconds: 60 }, 60],
    [{ maxTtlSeconds: 60 }, {}, 60],
    [{}, {}, 600],
  ])("rules for %j and %j give the shorter lifetime", async (one, other, ttlSeconds) => {
    const capabilities = {
      credentials: {
        authMethod: "basic",
        scope: "repository",
        ttlSeconds: { min: 1, max: 43_200, default: 3_600 },
      },
    } as const;
    const rules = [
      { ...app, ...one },
      { ...pullBase, ...other },
    ];
    const { minted, line } = await mint({ rules, fake: { capabilities } }, [base], { ttlSeconds: 600 });
    expect(minted).toMatchObject([{ ttlSeconds }]);
    expect(line).toMatchObject({ ttlSeconds: 600, grantedSeconds: ttlSeconds });
  });

  test("the log names the claims that any of the rules looked at", async () => {
    const asking = (claims: Record<string, string>) => ({ callers: [{ ...caller, claims }] });
    const rules = [
      { ...app, ...asking({ environment: "prod" }) },
      { ...pullBase, ...asking({ team: "b*" }) },
    ];
    expect((await mint({ rules }, [base])).line?.caller?.claims).toEqual({ environment: "prod", team: "base" });
  });
});

describe("where credentials open the whole registry", () => {
  const fake = { capabilities: { credentials: { authMethod: "basic", scope: "registry" } } } as const;
  const every: Rule = { ...app, repositories: ["*"] };

  test("further repositories are checked, and change nothing", async () => {
    const { minted, line } = await mint({ rules: [every, pullBase], fake }, [base]);
    expect(minted).toEqual([{ repository: "images/my-app", permissions: "push-pull", ttlSeconds: undefined }]);
    expect(line).toMatchObject({ alsoPull: [base], outcome: "OK" });
    expect((await mint({ rules: [every, pullBase], fake }, [tools])).error).toMatchObject({
      code: "ACCESS_DENIED",
      context: { field: "permissions" },
    });
  });
});
