import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApplication } from "../../core/application.ts";
import type { AuthenticatedCaller } from "../../core/caller.ts";
import type { Door } from "../../core/doors.ts";
import { Unauthenticated } from "../../core/doors.ts";
import { createSuite } from "../support/application.ts";
import { awsAccess, goodInputs } from "../support/inputs.ts";

/** The questions of docs/security.md, each asked with real jq of a log that operations have written. */
const run = promisify(execFile);
const issuer = "https://token.actions.githubusercontent.com";
const job: AuthenticatedCaller = {
  issuer,
  subject: "repo:acme/app:environment:production",
  claims: { environment: "production", actor: "somebody" },
};
const onboarding = { issuer, subject: "repo:acme/onboarding:ref:refs/heads/main" };
const stranger = { ...job, subject: "repo:acme/app:pull_request", claims: { environment: "test" } };

let folder: string;
const known: Record<string, string> = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "incident-"));
  const lines: object[] = [];
  let breaks = false;
  const { options } = createSuite({
    fake: {
      upstream: () => {
        if (breaks) throw new RangeError("the index is out of range");
      },
    },
  });
  let caller: AuthenticatedCaller | undefined;
  const door: Door = {
    name: "oidc",
    accepts: "http",
    admits: () => true,
    async authenticate() {
      if (caller) return caller;
      const claimed = { issuer, subject: "repo:evil/app", audience: ["somebody-else"] };
      throw new Unauthenticated("TOKEN_AUDIENCE", "The token is for somebody else.", {
        hint: "Send another.",
        claimed,
      });
    },
  };
  const everywhere = { operations: ["*"], registries: ["*"], repositories: ["*"] };
  const application = createApplication({
    ...options,
    now: () => new Date(),
    door,
    rules: {
      current: async () => ({
        rules: [
          {
            callers: [{ issuer, subject: "repo:acme/app:*", claims: { environment: "production" } }],
            ...everywhere,
            permissions: ["pull", "push-pull"],
          },
          { callers: [onboarding], ...everywhere, grantees: ["aws:444455556666"] },
        ],
      }),
    },
    audit: (line) => lines.push(line),
    errorLog: (line) => lines.push(line),
  });
  const call = async (as: AuthenticatedCaller | undefined, operation: keyof typeof goodInputs, more: object = {}) => {
    caller = as;
    return application.run({
      operation,
      input: () => ({ ...goodInputs[operation], ...more }),
      evidence: {},
      source: { address: "203.0.113.7", userAgent: "alien-registry" },
    });
  };
  const minted = await call(job, "generateCredentials", { permissions: "push-pull", ttlSeconds: 900 });
  known.CREDENTIAL_ID = minted.ok ? String((minted.output as { credentialId?: string }).credentialId) : "";
  await call(stranger, "generateCredentials", { permissions: "push-pull" });
  await call(undefined, "generateCredentials");
  const access = { ...awsAccess, accountIds: ["444455556666"], roleArns: [] };
  await call(onboarding, "addCrossAccountAccess", { access });
  await call(onboarding, "removeCrossAccountAccess", { access });
  await call(onboarding, "deleteRepository");
  breaks = true;
  known.REQUEST_ID = (await call(job, "getRepository")).requestId;
  await writeFile(join(folder, "audit.log"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
});
afterAll(() => rm(folder, { recursive: true }));

const page = await readFile("docs/security.md", "utf8");
const block = /<!-- tested-by: test\/docs\/incident\.e2e\.ts -->\n```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
const questions = [...block.matchAll(/^# (.*)\n(jq (?:(?!^# ).*\n)+)/gm)].map(([, question = "", command = ""]) => [
  question,
  command,
]);
const time = "\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z";

const answers: Readonly<Record<string, RegExp>> = {
  "Who could push": new RegExp(`^\\["repo:acme/app:environment:production","${time}"\\]$`),
  "Which credentials did this job get": /^\["images\/my-app","push-pull","[0-9a-f-]{36}",".*Z"\]$/,
  "Whose is this credential": new RegExp(
    `^\\["${time}","repo:acme/app:environment:production","203.0.113.7",false\\]$`,
  ),
  "Which credentials may still work": /^[0-9a-f-]{36}$/,
  "Who let this account in": /,"repo:acme\/onboarding:ref:refs\/heads\/main","images\/my-app",null\]$/,
  "Who shut it out": /,"repo:acme\/onboarding:ref:refs\/heads\/main","images\/my-app"\]$/,
  "Who was refused":
    /^\["repo:acme\/app:pull_request",\{"environment":"test"\},"generateCredentials","images\/my-app","push-pull","RULES_LACK_CLAIMS"\]$/,
  "Which tokens did not count":
    /^\["203.0.113.7","TOKEN_AUDIENCE",\{"issuer":".*","subject":"repo:evil\/app","audience":\["somebody-else"\]\}\]$/,
  "Who deleted": /,"repo:acme\/onboarding:ref:refs\/heads\/main","images\/my-app"\]$/,
  "What went wrong inside": /^\["INTERNAL_ERROR","the index is out of range"\]$/,
};

test("the page asks ten questions, and each is answered here", () => {
  expect(questions).toHaveLength(10);
  for (const begin of Object.keys(answers))
    expect(questions.filter(([text]) => text?.startsWith(begin))).toHaveLength(1);
});

test.each(questions)("%s", async (question, command) => {
  const { stdout } = await run("sh", ["-euc", String(command)], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...known },
  });
  const [, expected] = Object.entries(answers).find(([begin]) => question?.startsWith(begin)) ?? [];
  // One line answers it: nothing else in the log is meant.
  expect(stdout.trim().split("\n")).toEqual([expect.stringMatching(expected ?? /$./)]);
});
