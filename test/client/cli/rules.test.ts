import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandsOf, printedAs } from "../../docs/blocks.ts";
import { alien, alienHere } from "./support/run.ts";

const github = "https://token.actions.githubusercontent.com";
const main = "repo:acme/app:ref:refs/heads/main";
const everything = { registries: ["images"], repositories: ["*"] };
const rules = [
  {
    callers: [{ issuer: github, subject: "repo:acme/*", claims: { environment: "production" } }],
    operations: ["generateCredentials"],
    registries: ["images"],
    repositories: ["images/*"],
    permissions: ["pull", "push-pull"],
    maxTtlSeconds: 900,
  },
  {
    callers: [
      { issuer: "aws", subject: "111122223333:role/deploy" },
      { issuer: "aws", subject: "111122223333:role/other" },
    ],
    operations: ["*"],
    ...everything,
    permissions: ["pull"],
    grantees: ["aws:222233334444"],
  },
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rules-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function fileOf(content: unknown): string {
  const file = join(folder, `${++count}.json`);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const check = (content: unknown, args: readonly string[] = [], env = {}) =>
  alienHere(["rules", "check", fileOf(content), ...args], env);
const asked = (caller: readonly string[], wanted: readonly string[]) => ["--as", ...caller, "--may", ...wanted];
const push = ["generateCredentials", "images/app", "push-pull"];
const deploy = ["aws", "111122223333:role/deploy"];

describe("the file", () => {
  it("is taken", async () => {
    expect(await check(rules)).toEqual({ code: 0, stdout: "A function takes this file: 2 rules.\n", stderr: "" });
  });

  it("is taken with a warning where it may not say what was meant", async () => {
    const { code, stderr } = await check([{ callers: [], operations: ["*"], ...everything }]);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^warning: Access rule 0 .*"permissions"/)]);
  });

  it("is told which of its issuers a function does not take", async () => {
    const env = { ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: "https://other.example", audience: "a" }]) };
    const { code, stderr } = await check(rules, [], env);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`Access rule 0 names the issuer ${github}`)]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no JSON", "[", /It is not JSON/],
    [
      "a field that nobody knows",
      [{ callers: [], operations: [], ...everything, maxTTL: 9 }],
      /"0\.maxTTL" is not a field/,
    ],
    [
      "a subject of strangers",
      [{ callers: [{ issuer: github, subject: "*" }], operations: ["*"], ...everything }],
      /strangers/,
    ],
  ])("is refused with 1 for %s", async (_, content, why) => {
    expect(await check(content)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(why) });
  });

  it("must be there", async () => {
    expect(await alienHere(["rules", "check", join(folder, "none.json")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cannot be read"),
    });
  });
});

describe("what a caller may do", () => {
  it("is told with the rule and the longest lifetime", async () => {
    expect(await check(rules, asked([github, main, '{"environment":"production"}'], push))).toEqual({
      code: 0,
      stdout: `Yes. Rule 0 (callers: ${github} repo:acme/*) allows it.\nThe credentials live at most 900 s.\n`,
      stderr: "",
    });
  });

  it("is told by the rule that allows the longest lifetime", async () => {
    const longer = [...rules, { ...rules[0], maxTtlSeconds: 3_600 }];
    const { stdout } = await check(longer, asked([github, main, '{"environment":"production"}'], push));
    expect(stdout).toMatch(/^Yes\. Rule 2 [\s\S]*at most 3600 s/);
    const { stdout: pulls } = await check(rules, asked(deploy, ["generateCredentials", "images/app"]));
    expect(pulls).toMatch(
      /^Yes\. Rule 1 \(callers: aws 111122223333:role\/deploy and 1 more\)[\s\S]*as long as the platform gives/,
    );
  });

  it("is told with the consumers whom it may let in", async () => {
    const { stdout } = await check(rules, asked(deploy, ["addCrossAccountAccess", "images/app"]));
    expect(stdout).toMatch(/It may name as consumers: aws:222233334444\.\n$/);
  });

  it("may be about a whole registry", async () => {
    const args = (caller: readonly string[]) => asked(caller, ["generateCredentials", "*"]);
    expect((await check(rules, args(deploy))).code).toBe(0);
    const { code, stdout } = await check(rules, args([github, main, '{"environment":"production"}']));
    expect([code, stdout]).toEqual([4, expect.stringMatching(/none of them names every repository \(\*\)\.\n$/)]);
  });

  it.each<[string, string[], string[], RegExp]>([
    [
      "claims",
      [github, main, '{"environment":"staging"}'],
      push,
      /Rule 0 .* lacks only this: it asks for the claims .*production.* has .*staging/,
    ],
    ["permissions", deploy, push, /Rule 1 .* it allows pull, and not push-pull/],
    ["a caller", ["aws", "111122223333:role/x"], push, /No rule names the caller aws 111122223333:role\/x/],
    [
      "an operation",
      [github, main, "{}"],
      ["getRepository", "images/app"],
      /Rule 0 .* would fit so far, but none of them names the operation getRepository/,
    ],
    [
      "a repository",
      [github, main, "{}"],
      ["generateCredentials", "other/app"],
      /Rule 0 .* none of them names the repository other\/app/,
    ],
    ["a registry", deploy, [...push, "--registry", "builds"], /Rule 1 .* none of them names the registry builds/],
  ])("is refused with 4 for want of %s", async (_, caller, wanted, why) => {
    expect(await check(rules, asked(caller, wanted))).toMatchObject({
      code: 4,
      stdout: expect.stringMatching(new RegExp(`^No\\.\\n.*${why.source}`)),
      stderr: "",
    });
  });

  it("is refused where its credentials would count at the gateway only", async () => {
    const { stdout } = await check(
      [{ ...rules[1], via: ["gateway"] }],
      asked(deploy, ["generateCredentials", "images/app"]),
    );
    expect(stdout).toMatch(/its credentials count at gateway, and not at the registry/);
  });

  it.each<[string, string[], RegExp]>([
    ["one of the two options", ["--as", "aws", "x"], /--as and --may go together/],
    ["no subject", asked(["aws"], push), /--as takes/],
    ["claims that are none", asked(["aws", "x", "[]"], push), /must be a JSON object/],
    ["no repository", asked(deploy, ["getRepository"]), /--may takes/],
    ["no operation", asked(deploy, ["pull", "images/app"]), /There is no operation "pull"/],
    ["permissions without credentials", asked(deploy, ["getRepository", "images/app", "pull"]), /Permissions are/],
  ])("cannot be asked with %s", async (_, args, why) => {
    expect(await check(rules, args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(why) });
  });

  it("needs the name of a registry where the rules name several or none", async () => {
    const args = asked(deploy, push);
    const of = (registries: string[]) => check([{ ...rules[1], registries }], args);
    expect(await of(["images", "builds"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/several.*images, builds/),
    });
    expect(await of(["*"])).toMatchObject({ code: 2, stderr: expect.stringMatching(/no registry by its whole name/) });
  });
});

it("answers as the documentation shows, in a process of its own", async () => {
  const page = readFileSync(new URL("../../../docs/command-line.md", import.meta.url), "utf8");
  const shown = commandsOf(/## Access rules[\s\S]*?```console\n([\s\S]*?)```/.exec(page)?.[1] ?? "");
  expect(shown).toHaveLength(2);
  for (const { text, printed } of shown) {
    const line = text.replaceAll("\\\n", "").replace("alien-registry rules check rules.json", "");
    const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
    const { stdout } = await alien(["rules", "check", fileOf(rules), ...args]);
    const lines = stdout.trim().split("\n");
    expect(lines).toEqual(printed.map((each) => expect.stringMatching(printedAs(each))));
  }
});
