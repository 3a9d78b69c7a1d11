import { describe, expect, test } from "vitest";
import { findNonsense, warningsAbout } from "../../core/rule-meaning.ts";
import type { Rule, RuleCaller } from "../../core/rules.ts";
import { parseRules } from "../../core/rules-source.ts";
import { errorOf } from "../support/inputs.ts";

const github = "https://token.actions.githubusercontent.com";
const gitlab = "https://gitlab.com";
const google = "https://accounts.google.com";
const ruleFor = (...callers: RuleCaller[]): Rule => ({
  callers,
  operations: ["getRepository"],
  registries: ["images"],
  repositories: ["*"],
});
const nonsense = (caller: RuleCaller, issuers?: string[]) => findNonsense([ruleFor(caller)], issuers);

describe("the issuer", () => {
  test.each([
    "aws",
    "gcp",
    "azure",
    "door",
    "gateway",
    "https://issuer.example",
    "https://issuer.example/path",
    "http://127.0.0.1:8080",
    "https://sts.windows.net/11111111-2222-4333-8444-555555555555/",
    "https://sts.chinacloudapi.cn/11111111-2222-4333-8444-555555555555/",
    "https://acme.eu.auth0.com/",
  ])("%s is one that a door may name", (issuer) => {
    expect(nonsense({ issuer, subject: "*" })).toBeUndefined();
  });

  test.each([
    ["AWS", 'Write "aws".'],
    ["Azure", 'Write "azure".'],
    ["amazon", "Expected aws, gcp, azure, door, gateway, or the URL of an OIDC issuer"],
    ["issuer.example", "Expected aws"],
    ["http://issuer.example", "Expected aws"],
    ["https://", "Expected aws"],
    ["https://issuer.example/", "Write it as tokens have it."],
    [`${github}/`, "Write it as tokens have it."],
    ["https://sts.windows.net/", "Write it as tokens have it."],
    ["https://sts.windows.net/11111111-2222-4333-8444-555555555555/v2.0/", "Write it as tokens have it."],
    [
      "https://evil.example/https://sts.windows.net/11111111-2222-4333-8444-555555555555/",
      "Write it as tokens have it.",
    ],
    ["https://auth0.com.evil.example/", "Write it as tokens have it."],
    ["https://acme.auth0.com/evil/", "Write it as tokens have it."],
    ["https://evil.example/https://acme.auth0.com/", "Write it as tokens have it."],
  ])("%s is one that no door could name", (issuer, hint) => {
    expect(nonsense({ issuer, subject: "me" })).toMatchObject({
      field: "0.callers.0.issuer",
      why: expect.stringContaining(issuer),
      hint: expect.stringContaining(hint),
    });
  });

  test("may end with a slash where this function takes tokens of the very same", () => {
    const issuer = "https://login.acme.example/";
    expect(nonsense({ issuer, subject: "me" }, [issuer])).toBeUndefined();
    expect(nonsense({ issuer, subject: "me" }, ["https://login.acme.example"])).toBeDefined();
  });

  test("of a platform gives no claims", () => {
    expect(nonsense({ issuer: "aws", subject: "*", claims: { a: "b" } })).toMatchObject({
      field: "0.callers.0.claims",
    });
  });
});

describe("a subject that strangers have too", () => {
  test.each<[string, RuleCaller]>([
    ["everybody on GitHub", { issuer: github, subject: "*" }],
    ["whose owner only begins so", { issuer: github, subject: "repo:acme*" }],
    ["whose owner only begins so, and more", { issuer: github, subject: "repo:acme*/app:ref:refs/heads/main" }],
    ["a repository of anybody", { issuer: github, subject: "repo:*/app:*" }],
    ["an environment of anybody", { issuer: github, subject: "environment:production" }],
    ["an owner's id that only begins so", { issuer: github, subject: "repository_owner_id:12*" }],
    ["callers of a public workflow", { issuer: github, subject: "job_workflow_ref:acme/w/.github/workflows/x.yml@*" }],
    ["with a claim that tells no owner", { issuer: github, subject: "*", claims: { environment: "production" } }],
    ["with callers of a public workflow", { issuer: github, subject: "*", claims: { job_workflow_ref: "acme/w/*" } }],
    ["with an owner that only begins so", { issuer: github, subject: "*", claims: { repository_owner: "acme*" } }],
    ["with a repository of anybody", { issuer: github, subject: "*", claims: { repository: "acme*" } }],
    ["with one alternative too many", { issuer: github, subject: "*", claims: { repository_owner: ["acme", "b*"] } }],
    ["with a name that every object has", { issuer: github, subject: "*", claims: { toString: "x" } }],
    ["everybody on GitLab", { issuer: gitlab, subject: "*" }],
    ["whose group only begins so", { issuer: gitlab, subject: "project_path:acme*" }],
    ["a branch of anybody", { issuer: gitlab, subject: "*", claims: { ref_protected: "true" } }],
    ["everybody at Google", { issuer: google, subject: "*" }],
    ["accounts whose number begins so", { issuer: google, subject: "1*" }],
    ["everybody at Buildkite", { issuer: "https://agent.buildkite.com", subject: "organization:*" }],
    ["everybody at HCP Terraform", { issuer: "https://app.terraform.io", subject: "organization:acme*" }],
    ["everybody at Vercel", { issuer: "https://oidc.vercel.com", subject: "*" }],
  ])("%s: refused", (_title, caller) => {
    expect(nonsense(caller)).toMatchObject({ field: "0.callers.0.subject", hint: expect.stringMatching(/owner/) });
  });

  test.each<[string, RuleCaller]>([
    ["a branch", { issuer: github, subject: "repo:acme/app:ref:refs/heads/main" }],
    ["an owner's repositories", { issuer: github, subject: "repo:acme/*" }],
    ["an owner whose number is in the subject", { issuer: github, subject: "repo:acme@1234567/app@7654321:*" }],
    ["an owner's number", { issuer: github, subject: "repository_owner_id:1234567:*" }],
    ["an owner's number alone", { issuer: github, subject: "repository_owner_id:1234567" }],
    ["the owner in a claim", { issuer: github, subject: "*", claims: { repository_owner: "acme" } }],
    ["several owners", { issuer: github, subject: "*", claims: { repository_owner_id: ["1", "2"] } }],
    ["repositories in a claim", { issuer: github, subject: "*", claims: { repository: ["acme/*", "other/app"] } }],
    [
      "one claim of several",
      { issuer: github, subject: "repo:*", claims: { environment: "*", repository: "acme/app" } },
    ],
    ["a group", { issuer: gitlab, subject: "project_path:acme/*" }],
    ["a group in a claim", { issuer: gitlab, subject: "*", claims: { namespace_path: ["acme", "acme/*"] } }],
    ["an account", { issuer: google, subject: "109876543210987654321" }],
    ["an organisation's accounts", { issuer: google, subject: "*", claims: { hd: "acme.example" } }],
    ["one's own GitLab", { issuer: "https://gitlab.example", subject: "*" }],
    ["GitHub Enterprise", { issuer: "https://github.example/_services/token", subject: "*" }],
    ["an enterprise's own issuer", { issuer: `${github}/acme`, subject: "*" }],
  ])("%s: allowed", (_title, caller) => {
    expect(nonsense(caller)).toBeUndefined();
  });
});

/** By issuer: beginnings of subjects that name an owner, claims that do as a whole, and claims whose first part does. */
const owners: readonly [string, readonly string[], readonly string[], readonly string[]][] = [
  [
    github,
    [
      ...["repo:acme/", "repository:acme/", "repository_owner:acme:", "repository_owner_id:12:", "repository_id:12:"],
      ...["enterprise:acme:", "enterprise_id:12:"],
    ],
    ["repository_owner", "repository_owner_id", "repository_id", "enterprise", "enterprise_id"],
    ["repository", "workflow_ref"],
  ],
  [gitlab, ["project_path:acme/"], ["namespace_id", "project_id"], ["namespace_path", "project_path"]],
  [google, [], ["email", "hd"], []],
  ["https://agent.buildkite.com", ["organization:acme:"], ["organization_slug", "organization_id", "pipeline_id"], []],
  [
    "https://app.terraform.io",
    ["organization:acme:"],
    ["terraform_organization_id", "terraform_organization_name", "terraform_project_id", "terraform_workspace_id"],
    [],
  ],
  ["https://oidc.vercel.com", ["owner:acme:"], ["owner_id", "owner", "project_id"], []],
];

describe.each(owners)("the owner at %s", (issuer, subjects, whole, paths) => {
  const pins = (subject: string, claims?: RuleCaller["claims"]) =>
    nonsense({ issuer, subject, ...(claims && { claims }) }) === undefined;

  test("is asked for with an example, and with all claims that tell it", () => {
    const example = subjects[0] ? `${subjects[0]}*` : "a service account's number";
    expect(nonsense({ issuer, subject: "*" })?.hint).toBe(
      `Name the owner in the subject, as ${example}, or in claims: ${[...whole, ...paths].join(", ")}.`,
    );
  });

  test("is pinned by the whole beginning of a subject", () => {
    for (const subject of subjects) {
      expect([subject, pins(`${subject}*`)]).toEqual([subject, true]);
      for (const loose of [subject.slice(0, -1), subject.replace(/:.*/, ":"), `x${subject}`, `*:${subject}`]) {
        expect([loose, pins(`${loose}*`)]).toEqual([loose, false]);
      }
      const nobody = subject.replace(/:[^/:]+/, ":");
      expect([nobody, pins(`${nobody}*`)]).toEqual([nobody, false]);
    }
    for (const loose of ["*", "*1", "1*", "x:*"]) expect([loose, pins(loose)]).toEqual([loose, false]);
  });

  test("is pinned by a claim that says all of it", () => {
    for (const name of [...whole, ...paths]) {
      const pinned = (claim: string | string[]) => [name, claim, pins("*", { [name]: claim })];
      for (const claim of ["acme", ["acme", "other"]]) expect(pinned(claim)).toEqual([name, claim, true]);
      for (const claim of ["*", "acme*", "*/acme", "/acme/*", ["acme", "*"]]) {
        expect(pinned(claim)).toEqual([name, claim, false]);
      }
      for (const claim of ["acme/*", "acme/app*"]) expect(pinned(claim)).toEqual([name, claim, paths.includes(name)]);
    }
  });
});

test("the rules are refused with the field, the reason and what to do", async () => {
  const rules = [
    ruleFor({ issuer: "aws", subject: "*" }),
    ruleFor({ issuer: "aws", subject: "*" }, { issuer: github, subject: "*" }),
  ];
  expect(await errorOf(() => parseRules(JSON.stringify(rules)))).toMatchObject({
    code: "BINDING_CONFIG_INVALID",
    message: `The access rules are not valid. "1.callers.1.subject": "*" fits callers of strangers: everybody may have tokens of ${github}.`,
    hint: expect.stringMatching(/^Name the owner in the subject, as repo:acme\/\*, or in claims: repository_owner, /),
  });
});

describe("an issuer that this door does not know", () => {
  const rules = [
    ruleFor({ issuer: "aws", subject: "*" }, { issuer: "https://a.example", subject: "*" }),
    ruleFor({ issuer: "https://b.example", subject: "x" }, { issuer: "https://b.example", subject: "y" }),
  ];

  test("is warned of once for each rule, and refuses nothing: doors share their rules", () => {
    expect(warningsAbout(rules, ["https://a.example"])).toEqual([
      "Access rule 1 names the issuer https://b.example, which is not in ALIEN_OIDC_ISSUERS: this door lets none of its callers in.",
    ]);
    expect(warningsAbout(rules, ["https://a.example", "https://b.example"])).toEqual([]);
  });

  test("is nobody's business at a door that takes no tokens", () => {
    expect(warningsAbout(rules)).toEqual([]);
  });
});
