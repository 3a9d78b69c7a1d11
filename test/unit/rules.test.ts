import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AuthenticatedCaller, Caller } from "../../core/caller.ts";
import type { RoutableName } from "../../core/names.ts";
import { type Demand, granteesOf } from "../../core/operation.ts";
import { type OperationName, operationNames } from "../../core/operations.ts";
import { warningsAbout } from "../../core/rule-meaning.ts";
import { allowEverything, authorise, matches, type Rule, refuseEarly, ruleFields } from "../../core/rules.ts";
import { parseRules } from "../../core/rules-source.ts";
import type { CrossAccountAccess, Permissions } from "../../core/schemas.ts";
import { awsAccess, errorOf, gcpAccess } from "../support/inputs.ts";

const pipeline = { issuer: "https://issuer.example", subject: "repo:acme/app" };
const rule: Rule = {
  callers: [pipeline],
  operations: ["generateCredentials"],
  registries: ["images"],
  repositories: ["images/app"],
};
const on = (repository: string, permissions: Demand["permissions"] = "pull"): Demand => ({
  repository: repository as RoutableName,
  permissions,
  grantees: [],
});
const allows = (...call: Parameters<typeof authorise>) => authorise(...call).allowed;
const granting = (access: CrossAccountAccess): Demand => ({
  ...on("images/app", "none"),
  grantees: granteesOf(access),
});
const mint = (rules: readonly Rule[], demand: Demand, caller = pipeline, registry = "images") =>
  allows(rules, caller, "generateCredentials", registry, demand);
const grant = (rules: readonly Rule[], access: CrossAccountAccess) =>
  allows(rules, pipeline, "addCrossAccountAccess", "images", granting(access));

describe("parseRules", () => {
  test("takes a list", () => {
    const whole: Rule = {
      ...rule,
      permissions: ["pull", "push-pull"],
      maxTtlSeconds: 900,
      via: ["registry", "gateway"],
      grantees: ["aws:*"],
      consumer: "acme",
    };
    expect(parseRules(JSON.stringify([rule, whole]))).toEqual([rule, whole]);
    expect(Object.keys(whole)).toEqual(ruleFields.map(({ name }) => name));
    expect(parseRules("[]")).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ["not a list", { rules: [] }, /must be a list/],
    ["a rule that is no object", ["*"], /"0" must be a JSON object/],
    ["callers missing", [{ ...rule, callers: undefined }], /"0\.callers" is missing/],
    ["a caller as a bare string", [{ ...rule, callers: ["me"] }], /"0\.callers\.0" must be a JSON object/],
    ["a subject without its issuer", [{ ...rule, callers: [{ subject: "me" }] }], /"0\.callers\.0\.issuer" is missing/],
    ["an issuer without a subject", [{ ...rule, callers: [{ issuer: "aws" }] }], /"0\.callers\.0\.subject" is missing/],
    [
      "an issuer with a wildcard",
      [{ ...rule, callers: [{ issuer: "*", subject: "me" }] }],
      /"0\.callers\.0\.issuer" must be one issuer/,
    ],
    [
      "an empty subject",
      [{ ...rule, callers: [{ issuer: "aws", subject: "" }] }],
      /"0\.callers\.0\.subject" must not be empty/,
    ],
    [
      "a misspelt operation",
      [rule, { ...rule, operations: ["generateCredential"] }],
      /"1\.operations\.0" must be an operation's name/,
    ],
    ["operations as a string", [{ ...rule, operations: "*" }], /"0\.operations" must be a list/],
    ["an empty pattern", [{ ...rule, repositories: [""] }], /"0\.repositories\.0" must not be empty/],
    ["a field that rules do not have", [{ ...rule, grantee: ["*"] }], /"0\.grantee" is not a field/],
    ["grantees null", [{ ...rule, grantees: null }], /"0\.grantees" must be a list/],
    ["permissions null", [{ ...rule, permissions: null }], /"0\.permissions" must be a list/],
    ["permissions as a string", [{ ...rule, permissions: "push-pull" }], /"0\.permissions" must be a list/],
    [
      "a permission that is none",
      [{ ...rule, permissions: ["pull", "push"] }],
      /"0\.permissions\.1" must be "pull" or/,
    ],
    ["a permission with a wildcard", [{ ...rule, permissions: ["*"] }], /"0\.permissions\.0" must be "pull" or/],
    ["permission, without its s", [{ ...rule, permission: ["push-pull"] }], /"0\.permission" is not a field/],
  ])("refuses %s, naming the field", async (_title, value, message) => {
    const error = await errorOf(() => parseRules(JSON.stringify(value)));
    expect(error.code).toBe("BINDING_CONFIG_INVALID");
    expect(error.message).toMatch(message);
    expect(error.hint).toContain(
      "{callers, operations, registries, repositories, permissions?, maxTtlSeconds?, via?, grantees?, consumer?}",
    );
  });

  test.each(["", "{", "callers: []"])("refuses %j, which is not JSON", async (text) => {
    const error = await errorOf(() => parseRules(text));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: expect.stringMatching(/not JSON/) });
  });
});

describe("default deny", () => {
  test("no rules, no access", () => {
    expect(mint([], on("images/app"))).toBe(false);
    expect(refuseEarly([], pipeline, "describeRegistry", "images")).toEqual({ allowed: false, lacks: "rule" });
    expect(allows([], pipeline, "describeRegistry", "images", on("none", "none"))).toBe(false);
  });

  test("the rule as written allows, and nothing beside it", () => {
    expect(mint([rule], on("images/app"))).toBe(true);
    expect(mint([rule], on("images/app2"))).toBe(false);
    expect(mint([rule], on("images/app/sub"))).toBe(false);
    expect(mint([rule], on("images/APP"))).toBe(false);
    expect(mint([rule], on("images/app"), pipeline, "builds")).toBe(false);
    expect(mint([rule], on("images/app"), pipeline, "Images")).toBe(false);
    expect(allows([rule], pipeline, "deleteRepository", "images", on("images/app", "none"))).toBe(false);
  });

  test.each<[string, Partial<Rule>]>([
    ["callers", { callers: [] }],
    ["operations", { operations: [] }],
    ["registries", { registries: [] }],
    ["repositories", { repositories: [] }],
  ])("an empty list of %s matches nothing", (_field, part) => {
    expect(mint([{ ...rule, ...part }], on("images/app"))).toBe(false);
  });
});

describe("callers", () => {
  test.each([
    ["right subject, wrong issuer", { ...pipeline, issuer: "https://evil.example" }],
    ["issuer with a trailing slash", { ...pipeline, issuer: "https://issuer.example/" }],
    ["issuer in another case", { ...pipeline, issuer: "https://ISSUER.example" }],
    ["right issuer, wrong subject", { ...pipeline, subject: "repo:acme/other" }],
    ["subject that only begins so", { ...pipeline, subject: "repo:acme/app:ref:main" }],
    ["parts swapped", { issuer: pipeline.subject, subject: pipeline.issuer }],
    ["nobody", { issuer: "", subject: "" }],
  ])("%s: refused", (_title, caller) => {
    expect(mint([rule], on("images/app"), caller)).toBe(false);
    expect(refuseEarly([rule], caller, "generateCredentials", "images")).toEqual({ allowed: false, lacks: "rule" });
  });

  test("a wildcard in the subject stays with its issuer", () => {
    const rules = [{ ...rule, callers: [{ issuer: "https://issuer.example", subject: "repo:acme/*" }] }];
    expect(mint(rules, on("images/app"), { ...pipeline, subject: "repo:acme/other" })).toBe(true);
    expect(mint(rules, on("images/app"), { ...pipeline, subject: "repo:evil/acme/" })).toBe(false);
    expect(mint(rules, on("images/app"), { ...pipeline, issuer: "https://evil.example" })).toBe(false);
  });

  test("a wildcard that the caller brings is a letter like any other", () => {
    expect(mint([rule], on("images/app"), { ...pipeline, subject: "*" })).toBe(false);
    expect(mint([rule], on("*"))).toBe(false);
  });
});

describe("wildcards only where written", () => {
  test.each<[string, Partial<Rule>, boolean]>([
    ["repositories images/*", { repositories: ["images/*"] }, true],
    ["repositories *", { repositories: ["*"] }, true],
    ["repositories images/a?p: a ? is a letter", { repositories: ["images/a?p"] }, false],
    ["repositories images/.*: a dot is a dot", { repositories: ["images/.*"] }, false],
    ["repositories images/[a-z]pp: brackets are brackets", { repositories: ["images/[a-z]pp"] }, false],
    ["repositories images: not what is below it", { repositories: ["images"] }, false],
    ["operations *", { operations: ["*"] }, true],
    ["operations generate*", { operations: ["generate*"] }, true],
    ["operations get*", { operations: ["get*"] }, false],
    ["registries im*", { registries: ["im*"] }, true],
    ["registries *s-eu", { registries: ["*s-eu"] }, false],
  ])("%s", (_title, part, expected) => {
    expect(mint([{ ...rule, ...part }], on("images/app"))).toBe(expected);
  });
});

describe("registry-wide effects and operations on no repository", () => {
  const every = on("every");
  const none = on("none", "none");

  test.each([
    [["*"], true],
    [["images/app", "*"], true],
    [["images/*"], false],
    [["images/app"], false],
    [["every"], false],
    [["none"], false],
    [["**"], false],
    [[], false],
  ])("repositories %j cover every repository: %s", (repositories, expected) => {
    expect(mint([{ ...rule, repositories }], every)).toBe(expected);
  });

  test("several rules do not add up to every repository", () => {
    const halves = [
      { ...rule, repositories: ["images/a*"] },
      { ...rule, repositories: ["images/*"] },
    ];
    expect(mint(halves, every)).toBe(false);
  });

  test("an operation on no repository needs a rule for caller, operation and registry only", () => {
    expect(mint([{ ...rule, repositories: [] }], none)).toBe(true);
    expect(mint([rule], none, { ...pipeline, subject: "other" })).toBe(false);
  });

  test.each(["every", "none"])("a repository that is named %s is no keyword", (name) => {
    expect(mint([rule], on(`images/${name}`))).toBe(false);
  });
});

describe("grantees", () => {
  const granter: Rule = { ...rule, operations: ["addCrossAccountAccess"] };
  const nobody = { accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] };
  const account: CrossAccountAccess = { ...awsAccess, ...nobody, accountIds: ["123456789012"] };
  const role: CrossAccountAccess = {
    ...awsAccess,
    ...nobody,
    roleArns: ["arn:aws:iam::123456789012:role/path/puller"],
  };

  test.each<[string, readonly string[] | undefined, CrossAccountAccess, boolean]>([
    ["absent grantees: no grant to anybody", undefined, account, false],
    ["an empty list: no grant to anybody", [], account, false],
    ["the account", ["aws:123456789012"], account, true],
    ["another account", ["aws:210987654321"], account, false],
    ["any AWS account", ["aws:*"], account, true],
    ["an account without its cloud", ["123456789012"], account, false],
    ["the role itself", ["aws:arn:aws:iam::123456789012:role/path/puller"], role, true],
    ["the role's account covers the role", ["aws:123456789012"], role, true],
    ["another account does not cover the role", ["aws:210987654321"], role, false],
    ["another role", ["aws:arn:aws:iam::123456789012:role/puller"], role, false],
    ["a role does not cover its account", ["aws:arn:aws:iam::123456789012:role/path/puller"], account, false],
    ["roles by pattern", ["aws:arn:aws:iam::123456789012:role/path/*"], role, true],
    ["one of two is not enough", ["aws:123456789012"], awsAccess, false],
    ["both, one by its account", ["aws:123456789012", "aws:210987654321"], awsAccess, true],
    ["a project and an e-mail", ["gcp:123456789012", "gcp:*@example.iam.gserviceaccount.com"], gcpAccess, true],
    ["the project alone", ["gcp:123456789012"], gcpAccess, false],
    ["an AWS account does not cover a project of the same digits", ["aws:123456789012", "aws:*"], gcpAccess, false],
    ["everybody", ["*"], awsAccess, true],
  ])("%s", (_title, grantees, access, expected) => {
    expect(grant([{ ...granter, ...(grantees && { grantees: [...grantees] }) }], access)).toBe(expected);
  });

  test("two rules that both cover the repository may share the grantees", () => {
    const rules = [
      { ...granter, grantees: ["aws:123456789012"] },
      { ...granter, grantees: ["aws:210987654321"] },
    ];
    expect(grant(rules, awsAccess)).toBe(true);
  });

  test("a rule for another repository, operation, registry or caller lends no grantees", () => {
    const all = { ...granter, grantees: ["*"] };
    for (const foreign of [
      { ...all, repositories: ["images/other"] },
      { ...all, operations: ["setupRepository"] },
      { ...all, registries: ["builds"] },
      { ...all, callers: [{ ...pipeline, issuer: "https://evil.example" }] },
    ]) {
      expect(grant([granter, foreign], account)).toBe(false);
    }
  });

  test("no grantee demanded, none needed", () => {
    expect(grant([granter], { ...awsAccess, ...nobody })).toBe(true);
  });
});

describe("permissions", () => {
  const both: Permissions[] = ["pull", "push-pull"];

  test.each<[string, Permissions[] | undefined, boolean, boolean]>([
    ["without the field, pull alone", undefined, true, false],
    ["pull", ["pull"], true, false],
    ["both", both, true, true],
    ["push-pull: the list is literal", ["push-pull"], false, true],
    ["an empty list allows no credentials", [], false, false],
  ])("%s", (_title, permissions, pull, push) => {
    for (const operations of [["generateCredentials"], ["generate*"], ["*"]]) {
      const rules = [{ ...rule, operations, ...(permissions && { permissions }) }];
      expect(mint(rules, on("images/app", "pull"))).toBe(pull);
      expect(mint(rules, on("images/app", "push-pull"))).toBe(push);
      // A credential for the whole registry is no exception.
      const everywhere = rules.map((each) => ({ ...each, repositories: ["*"] }));
      expect(mint(everywhere, on("every", "push-pull"))).toBe(push);
    }
  });

  test("are asked for by nothing but credentials", () => {
    const rules = [{ ...rule, operations: ["*"], permissions: [] }];
    for (const operation of operationNames) {
      expect(allows(rules, pipeline, operation, "images", on("images/app", "none"))).toBe(true);
    }
  });

  test("a refusal says whether they are all that a rule lacks", () => {
    const push = on("images/app", "push-pull");
    const asked = (rules: readonly Rule[], demand = push, operation: OperationName = "generateCredentials") =>
      authorise(rules, pipeline, operation, "images", demand);
    expect(asked([rule])).toEqual({ allowed: false, lacks: "permissions" });
    expect(asked([rule, { ...rule, permissions: both }])).toEqual({ allowed: true, claims: {} });
    expect(asked([])).toEqual({ allowed: false, lacks: "rule" });
    expect(asked([rule], on("images/other", "push-pull"))).toEqual({ allowed: false, lacks: "rule" });
    expect(asked([rule], on("every", "push-pull"))).toEqual({ allowed: false, lacks: "rule" });
    expect(asked([{ ...rule, callers: [] }])).toEqual({ allowed: false, lacks: "rule" });
    const account = { ...awsAccess, roleArns: [], accountIds: ["123456789012"] };
    const granter = [{ ...rule, operations: ["*"] }];
    expect(asked(granter, granting(account), "addCrossAccountAccess")).toEqual({ allowed: false, lacks: "grantees" });
  });

  interface Asked {
    readonly caller: Caller;
    readonly registry: string;
    readonly repository: string;
    readonly permissions: Permissions;
  }

  test("nobody gets a credential that no single rule allows", () => {
    const some = <T>(...values: T[]) => fc.subarray(values);
    const callers = [
      pipeline,
      { ...pipeline, subject: "repo:acme/other" },
      { issuer: "aws", subject: pipeline.subject },
    ];
    const rules = fc.array(
      fc.record(
        {
          callers: some(...callers, { ...pipeline, subject: "repo:acme/*" }, { ...pipeline, subject: "*" }),
          operations: some("generateCredentials", "generate*", "get*", "deleteRepository", "*"),
          registries: some("images", "builds", "im*", "*"),
          repositories: some("images/app", "images/other", "images/*", "*"),
          permissions: some<Permissions>("pull", "push-pull"),
          grantees: some("*", "aws:*"),
        },
        { requiredKeys: ["callers", "operations", "registries", "repositories"] },
      ),
      { maxLength: 6 },
    );
    const call: fc.Arbitrary<Asked> = fc.record({
      caller: fc.constantFrom(...callers),
      registry: fc.constantFrom("images", "builds"),
      repository: fc.constantFrom("images/app", "images/other", "every"),
      permissions: fc.constantFrom<Permissions>("pull", "push-pull"),
    });
    const says = (texts: readonly string[], ...names: string[]) => texts.some((text) => names.includes(text));
    // Written from the documentation, for the few names that are generated here.
    const covers = (each: Rule, { caller, registry, repository, permissions }: Asked) =>
      each.callers.some(
        ({ issuer, subject }) =>
          issuer === caller.issuer &&
          says([subject], caller.subject, "*", ...(/^repo:acme\//.test(caller.subject) ? ["repo:acme/*"] : [])),
      ) &&
      says(each.operations, "generateCredentials", "generate*", "*") &&
      says(each.registries, registry, "*", ...(registry === "images" ? ["im*"] : [])) &&
      says(each.repositories, "*", ...(repository === "every" ? [] : [repository, "images/*"])) &&
      (each.permissions === undefined ? permissions === "pull" : each.permissions.includes(permissions));
    let pushes = 0;
    fc.assert(
      fc.property(rules, call, (list, asked) => {
        const allowed = mint(list, on(asked.repository, asked.permissions), asked.caller, asked.registry);
        expect(allowed).toBe(list.some((each) => covers(each, asked)));
        if (allowed && asked.permissions === "push-pull") {
          pushes++;
          expect(list.some((each) => each.permissions?.includes("push-pull"))).toBe(true);
        }
      }),
      { numRuns: 5_000 },
    );
    // Else the property would hold of rules that allow nothing.
    expect(pushes).toBeGreaterThan(100);
  });
});

describe("claims", () => {
  const asking = (claims: NonNullable<Rule["callers"][number]["claims"]>): Rule[] => [
    { ...rule, callers: [{ ...pipeline, claims }] },
  ];
  const having = (claims?: Record<string, unknown>): AuthenticatedCaller => ({
    ...pipeline,
    ...(claims && { claims }),
  });

  test.each<[string, NonNullable<Rule["callers"][number]["claims"]>, Record<string, unknown> | undefined, boolean]>([
    ["none asked, none brought", {}, undefined, true],
    ["the very value", { environment: "production" }, { environment: "production" }, true],
    ["another value", { environment: "production" }, { environment: "staging" }, false],
    ["another case", { environment: "production" }, { environment: "Production" }, false],
    ["a value that only begins so", { environment: "prod" }, { environment: "production" }, false],
    ["no such claim", { environment: "production" }, { other: "production" }, false],
    ["no token at all", { environment: "production" }, undefined, false],
    ["one of the patterns", { environment: ["staging", "production"] }, { environment: "production" }, true],
    ["none of the patterns", { environment: ["staging", "test"] }, { environment: "production" }, false],
    ["a * at the end", { ref: "refs/heads/release-*" }, { ref: "refs/heads/release-1" }, true],
    ["a * alone asks for a value", { environment: "*" }, { environment: "x" }, true],
    ["a * alone, and no value", { environment: "*" }, {}, false],
    ["all of several", { a: "1", b: "2" }, { a: "1", b: "2" }, true],
    ["one of several is not enough", { a: "1", b: "2" }, { a: "1", b: "3" }, false],
    ["one value of a list claim", { groups: "deployers" }, { groups: ["readers", "deployers"] }, true],
    ["no value of a list claim", { groups: "deployers" }, { groups: ["readers"] }, false],
    ["an empty list claim", { groups: "*" }, { groups: [] }, false],
    [
      "true and numbers are compared as text",
      { ref_protected: "true", project_id: "4*" },
      { ref_protected: true, project_id: 42 },
      true,
    ],
    ["an object fits nothing", { nested: "*" }, { nested: { a: "b" } }, false],
    ["a list within a list fits nothing", { nested: "*" }, { nested: [["a"]] }, false],
    ["null fits nothing", { nested: "*" }, { nested: null }, false],
    ["a name that every object has", { toString: "*" }, {}, false],
  ])("%s", (_title, claims, brought, expected) => {
    const caller = having(brought);
    const demand = on("images/app");
    expect(authorise(asking(claims), caller, "generateCredentials", "images", demand).allowed).toBe(expected);
    expect(refuseEarly(asking(claims), caller, "generateCredentials", "images") === undefined).toBe(expected);
    if (!expected) {
      expect(authorise(asking(claims), caller, "generateCredentials", "images", demand)).toMatchObject({
        lacks: "claims",
      });
    }
  });

  test("count for one caller of a rule, and not for the others", () => {
    const rules = [
      {
        ...rule,
        callers: [
          { ...pipeline, claims: { environment: "production" } },
          { issuer: "aws", subject: "x" },
        ],
      },
    ];
    expect(mint(rules, on("images/app"))).toBe(false);
    expect(mint(rules, on("images/app"), { issuer: "aws", subject: "x" })).toBe(true);
  });

  test("that were asked for are told, and no others", () => {
    const caller = having({ environment: "production", ref: "main", email: "me@example.com" });
    const verdict = authorise(
      asking({ environment: "*", ref: "main" }),
      caller,
      "generateCredentials",
      "images",
      on("images/app"),
    );
    expect(verdict).toEqual({ allowed: true, claims: { environment: "production", ref: "main" } });
  });

  test("are those of the first rule, where several allow the same", () => {
    const rules = [...asking({ environment: "*" }), ...asking({ ref: "*" })];
    const caller = having({ environment: "production", ref: "main" });
    expect(authorise(rules, caller, "generateCredentials", "images", on("images/app"))).toStrictEqual({
      allowed: true,
      claims: { environment: "production" },
    });
  });

  test("a refusal tells those that rules asked this caller for, as far as it has them", () => {
    const callers = [
      { ...pipeline, claims: { environment: "production", ref: "main", team: "x" } },
      { ...pipeline, subject: "repo:acme/other", claims: { email: "*" } },
    ];
    const caller = having({ environment: "staging", ref: "main", email: "me@example.com" });
    const refusal = { allowed: false, lacks: "claims", claims: { environment: "staging", ref: "main" } };
    const rules = [{ ...rule, callers }];
    expect(refuseEarly(rules, caller, "generateCredentials", "images")).toStrictEqual(refusal);
    expect(authorise(rules, caller, "generateCredentials", "images", on("images/app"))).toStrictEqual(refusal);
  });

  test.each(["x", "*", "x*", "refs/heads/*"])("may be asked for as %j", (claim) => {
    const rules = asking({ one: claim, two: [claim, "y"] });
    expect(parseRules(JSON.stringify(rules))).toEqual(rules);
  });

  test.each<[string, unknown, RegExp]>([
    ["a * in the middle", { a: "x@*main" }, /claims\.a" must have no \* but one at its end/],
    ["two of them", { a: "**" }, /must have no \*/],
    ["an empty pattern", { a: "" }, /must not be empty/],
    ["no pattern", { a: [] }, /must not be empty/],
    ["a number", { a: 1 }, /must be a pattern or a list of patterns/],
    ["null", { a: null }, /must be a pattern or a list of patterns/],
    ["a list of numbers", { a: [1] }, /claims\.a/],
    ["a list instead of names", ["a"], /claims/],
    ["a name that would get lost", JSON.parse('{"__proto__": "x"}'), /must name claims that tokens have/],
    ["another one", { constructor: "x" }, /must name claims that tokens have/],
    ["a third one", { prototype: "x" }, /must name claims that tokens have/],
  ])("with %s are refused", async (_title, claims, message) => {
    const text = `[${JSON.stringify(rule)}]`.replace('"subject"', `"claims":${JSON.stringify(claims)},"subject"`);
    const error = await errorOf(() => parseRules(text));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: expect.stringMatching(message) });
  });
});

describe("maxTtlSeconds and via", () => {
  const asked = (rules: readonly Rule[], demand = on("images/app")) =>
    authorise(rules, pipeline, "generateCredentials", "images", demand);

  test("the lifetime comes from the rule that covers the call, and from the one that allows the most", () => {
    const short = { ...rule, maxTtlSeconds: 60 };
    const long = { ...rule, maxTtlSeconds: 900 };
    expect(asked([short])).toStrictEqual({ allowed: true, maxTtlSeconds: 60, claims: {} });
    expect(asked([short, long])).toStrictEqual({ allowed: true, maxTtlSeconds: 900, claims: {} });
    expect(asked([long, short])).toStrictEqual({ allowed: true, maxTtlSeconds: 900, claims: {} });
    expect(asked([short, rule])).toStrictEqual({ allowed: true, claims: {} });
  });

  test("nothing is put together from two rules", () => {
    const pushShort: Rule = { ...rule, permissions: ["push-pull"], maxTtlSeconds: 60 };
    const pullLong: Rule = { ...rule, permissions: ["pull"] };
    expect(asked([pushShort, pullLong], on("images/app", "push-pull"))).toMatchObject({ maxTtlSeconds: 60 });
    const elsewhere: Rule = { ...rule, repositories: ["images/other"], permissions: ["push-pull"] };
    expect(asked([pushShort, elsewhere], on("images/app", "push-pull"))).toMatchObject({ maxTtlSeconds: 60 });
  });

  test.each<[Rule["via"], boolean]>([
    [undefined, true],
    [["registry"], true],
    [["gateway", "registry"], true],
    [["gateway"], false],
    [[], false],
  ])("a credential of the registry, and a rule with via %j", (via, expected) => {
    const rules = [{ ...rule, ...(via && { via }) }];
    expect(asked(rules).allowed).toBe(expected);
    if (!expected) expect(asked(rules)).toEqual({ allowed: false, lacks: "via" });
    // Where no credential is handed out, nobody asks.
    expect(asked(rules, on("images/app", "none")).allowed).toBe(true);
  });

  test.each<[string, Partial<Record<keyof Rule, unknown>>, RegExp]>([
    ["no seconds", { maxTtlSeconds: 0 }, /maxTtlSeconds" must be at least 1 second/],
    ["half a second", { maxTtlSeconds: 0.5 }, /whole number/],
    ["seconds in words", { maxTtlSeconds: "900" }, /maxTtlSeconds" must be a number/],
    ["an unknown way", { via: ["proxy"] }, /via\.0" must be "registry" or "gateway"/],
    ["an empty consumer", { consumer: "" }, /consumer" must not be empty/],
  ])("%s: refused", async (_title, part, message) => {
    const error = await errorOf(() => parseRules(JSON.stringify([{ ...rule, ...part }])));
    expect(error.message).toMatch(message);
  });
});

describe("warnings", () => {
  test.each([["generateCredentials"], ["generate*"], ["*"], ["*Credentials"], ["getRepository", "g*s"]])(
    "a rule that mints by %s and has no permissions is named, with what that means",
    (...operations) => {
      const named = { ...rule, operations };
      const silent: Rule[] = [
        { ...named, permissions: ["pull"] },
        { ...named, permissions: [] },
      ];
      expect(warningsAbout([...silent, named])).toEqual([
        'Access rule 2 (callers: https://issuer.example repo:acme/app) allows generateCredentials and has no "permissions": ' +
          'its callers may pull, and may not push. Write "permissions": ["pull"] to keep it so, or ["pull", "push-pull"] if they push.',
      ]);
    },
  );

  test("each is named, with one of its callers", () => {
    const [one, two] = warningsAbout([
      { ...rule, callers: [pipeline, pipeline, pipeline] },
      { ...rule, callers: [] },
    ]);
    expect(one).toMatch(/^Access rule 0 \(callers: https:\/\/issuer\.example repo:acme\/app and 2 more\) /);
    expect(two).toMatch(/^Access rule 1 \(callers: none\) /);
  });

  test.each([[["createRepository"]], [["*Repository"]], [["generateCredential?"]], [[]]])(
    "none for a rule that does not mint: %j",
    (operations) => {
      expect(warningsAbout([{ ...rule, operations }])).toEqual([]);
    },
  );
});

test("a caller that the process itself stands for may do everything, and nobody else anything", () => {
  const rules = allowEverything(pipeline);
  const everyone = { ...granting(awsAccess), repository: "every" } as const;
  for (const operation of operationNames) {
    for (const permissions of ["none", "pull", "push-pull"] as const) {
      expect(allows(rules, pipeline, operation, "images", { ...everyone, permissions })).toBe(true);
      for (const other of [
        { ...pipeline, subject: "x" },
        { ...pipeline, issuer: "aws" },
      ]) {
        expect(allows(rules, other, operation, "images", { ...everyone, permissions })).toBe(false);
      }
    }
  }
});

test("rules do not mix: each part must come from one and the same rule", () => {
  const other: Rule = {
    callers: [{ issuer: "https://other.example", subject: "other" }],
    operations: ["deleteRepository"],
    registries: ["builds"],
    repositories: ["builds/app"],
    permissions: ["pull"],
  };
  const wanted: Rule = { ...rule, permissions: ["push-pull"] };
  const push = on("images/app", "push-pull");
  const parts = ["callers", "operations", "registries", "repositories", "permissions"] as const;
  const subset = fc.subarray([...parts], { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(subset, { maxLength: 5 }), (mixed) => {
      const rules = mixed.map((kept) => ({
        ...other,
        ...Object.fromEntries(kept.map((part) => [part, wanted[part]])),
      }));
      expect(mint(rules, push)).toBe(false);
      expect(mint([...rules, wanted], push)).toBe(true);
    }),
  );
});

describe("matches", () => {
  /** The plainest thing that is right: `*` eats nothing, or one character and stays. */
  function reference(pattern: string, value: string): boolean {
    if (pattern === "") return value === "";
    if (pattern.startsWith("*")) {
      return reference(pattern.slice(1), value) || (value !== "" && reference(pattern, value.slice(1)));
    }
    return value !== "" && pattern.charAt(0) === value.charAt(0) && reference(pattern.slice(1), value.slice(1));
  }

  test("agrees with the reference", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
    const value = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
    fc.assert(
      fc.property(pattern, value, (text, against) => matches(text, against) === reference(text, against)),
      { numRuns: 20_000 },
    );
  });

  test("agrees with the reference on any characters, * among the values too", () => {
    const text = fc.string({ unit: fc.constantFrom(..."*.?+^$()[]\\/:aé"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (pattern, value) => matches(pattern, value) === reference(pattern, value)),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["every other letter a star", "a*".repeat(5_000), `${"a".repeat(100_000)}b`, true],
    ["no end", `${"a*".repeat(5_000)}c`, "a".repeat(100_000), false],
    ["stars only", "*".repeat(100_000), "a".repeat(100_000), true],
    ["more pieces than letters", "*a".repeat(60_000), "a".repeat(50_000), false],
    ["a piece that never comes", `*${"a".repeat(50)}b*`, "a".repeat(100_000), false],
  ])("does not backtrack: %s", (_title, pattern, value, expected) => {
    // A matcher that backtracks would not come back within the age of the universe.
    expect(matches(pattern, value)).toBe(expected);
  });

  test("searches each part of the value once", () => {
    const steps: number[] = [];
    class Counted extends String {
      override indexOf(piece: string, from = 0): number {
        const found = super.indexOf(piece, from);
        steps.push((found < 0 ? this.length : found + piece.length) - from);
        return found;
      }
    }
    const value = new Counted("ab".repeat(10_000)) as unknown as string;
    expect(matches(`${"*a*b".repeat(3_000)}*`, value)).toBe(true);
    expect(steps.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(value.length);
    expect(steps.length).toBeLessThanOrEqual(6_000);
  });
});
