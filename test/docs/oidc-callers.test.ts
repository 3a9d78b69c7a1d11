import { expect, it, test } from "vitest";
import { oidcDoor } from "../../core/doors.ts";
import { createOidcVerifier } from "../../core/oidc.ts";
import { parseIssuers } from "../../core/oidc-issuers.ts";
import { parseRules } from "../../core/rules-source.ts";
import { createSuite, post } from "../support/application.ts";
import { createKey } from "../support/issuer.ts";
import { createFakeIssuers, formOf } from "./support/issuers.ts";

const github = "https://token.actions.githubusercontent.com";
const gitlab = "https://gitlab.com";
const page = "docs/oidc-callers.md";
const rules = parseRules(await formOf(page, "rules"));
const issuers = parseIssuers(await formOf(page, "issuers"));
const fake = await createFakeIssuers(issuers.map(({ issuer }) => issuer));
const door = oidcDoor(createOidcVerifier(issuers, { fetch: fake.fetch }));

async function status(token: string, name = "app", registry = "images"): Promise<number> {
  return statusOf(token, "createRepository", { registry, name });
}

async function statusOf(token: string, operation: string, input: object): Promise<number> {
  const suite = createSuite({ door, rules });
  const headers = { authorization: `Bearer ${token}` };
  return (await suite.http(post(`/v1/${operation}`, input, headers))).status;
}

const job = (iss: string, sub: string, claims: object = {}) =>
  fake.sign({ iss, sub, aud: "artifact-registry", repository: "acme/app", ...claims });
const main = "repo:acme@1234567/app@7654321:ref:refs/heads/main";

test.each([
  [github, main],
  [github, "repo:acme@1234567/app@7654321:environment:production"],
  [gitlab, "project_path:acme/app:ref_type:branch:ref:main"],
])("the example's rules let in %s %s", async (issuer, subject) => {
  expect(await status(await job(issuer, subject))).toBe(200);
  expect(await status(await job(issuer, subject), "app/worker")).toBe(200);
  // As the page's jobs do.
  const push = { registry: "images", repoId: "images/app", permissions: "push-pull" };
  expect(await statusOf(await job(issuer, subject), "generateCredentials", push)).toBe(200);
});

test.each([
  ["another branch", github, "repo:acme@1234567/app@7654321:ref:refs/heads/feature"],
  ["a pull request", github, "repo:acme@1234567/app@7654321:pull_request"],
  ["another environment", github, "repo:acme@1234567/app@7654321:environment:staging"],
  ["a repository that took the name", github, "repo:acme@1234567/app@9999999:ref:refs/heads/main"],
  ["the form without ids", github, "repo:acme/app:ref:refs/heads/main"],
  ["another owner", github, "repo:evil@1/app@7654321:ref:refs/heads/main"],
  ["a tag named as the branch", gitlab, "project_path:acme/app:ref_type:tag:ref:main"],
  ["a project deeper in the group", gitlab, "project_path:acme/app/x:ref_type:branch:ref:main"],
  ["GitHub's subject from GitLab", gitlab, main],
])("and not %s", async (_title, issuer, subject) => {
  expect(await status(await job(issuer, subject))).toBe(403);
});

it("does not let the job touch another repository or registry", async () => {
  const token = await job(github, main);
  expect(await status(token, "apple")).toBe(403);
  expect(await status(token, "app", "builds")).toBe(403);
});

it("wants the audience, an issuer of the list, its key, and a token that has not ended", async () => {
  const past = Math.floor(Date.now() / 1_000) - 3_600;
  expect(await status(await job(github, main, { aud: "sts.amazonaws.com" }))).toBe(401);
  expect(await status(await job(`${github}/`, main))).toBe(401);
  expect(await status(await job("https://gitlab.example", main))).toBe(401);
  expect(await status(await job(github, main, { iat: past, exp: past + 300 }))).toBe(401);
  const another = await createKey("RS256");
  expect(await status(await fake.sign({ iss: github, sub: main, aud: "artifact-registry" }, another))).toBe(401);
});
