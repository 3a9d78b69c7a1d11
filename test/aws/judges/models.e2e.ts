import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { emulatedOperations } from "../../emulators/aws/control-plane.ts";
import { recordingFolder } from "../../emulators/aws/recording.ts";
import { lintPolicy, type PolicyKind } from "./policy-lint.ts";

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const root = path("../../../");

interface Request {
  readonly service: string;
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly principal?: string;
  readonly outcome?: string;
}

/** What botocore's models say: of all requests at once, or of the members of operations. */
async function models(what: "requests" | "members", lines: readonly object[]): Promise<string> {
  const { stdout: python } = await run("bash", [path("../../tools/python.sh"), path("requirements.txt")]);
  const child = spawn(python.trim(), [path("models.py"), what], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) text += chunk;
  if (child.exitCode ?? (await new Promise((resolve) => child.once("exit", resolve))))
    throw new Error("models.py failed.");
  return text;
}

/** Every request that the emulator got under the tests on AWS. `.ci/run` lets `npm test` write them down; else they run here. */
async function recorded(): Promise<Request[]> {
  const given = process.env[recordingFolder];
  const folder = given ?? (await mkdtemp(join(tmpdir(), "aws-requests-")));
  if (given === undefined) {
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const env = { ...process.env, [recordingFolder]: folder };
    await run("npx", ["vitest", "run", "test/aws", "test/emulators/aws"], { cwd: root, env, maxBuffer: 1 << 28 });
  }
  const files = (await readdir(folder)).filter((name) => name.endsWith(".jsonl"));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  const lines = new Set(texts.flatMap((text) => text.split("\n")).filter(Boolean));
  return [...lines].map((line): Request => JSON.parse(line)).filter(({ service }) => service !== "registry");
}

/** Sessions of the functions' roles: what they send, the code sends. */
const ofOurCode = ({ principal = "" }: Request) => /:assumed-role\/(?:function|[^/]+-(?:pull|push))\//.test(principal);

test("what the emulator knows of inputs is what AWS's models say", async () => {
  const operations = emulatedOperations.map((each) => {
    const [service, action] = each.split(":");
    return { service, action };
  });
  await expect(await models("members", operations)).toMatchFileSnapshot(path("../../emulators/aws/wire/members.txt"));
});

test("every request of the tests is one that AWS's models take, or is refused; each policy in it is sound", async () => {
  const all = await recorded();
  const sent = all.filter(ofOurCode);
  expect(sent.length).toBeGreaterThan(500);
  expect(new Set(sent.map(({ service, action }) => `${service}:${action}`)).size).toBeGreaterThan(25);

  // A request that the emulator refused for its form is one that a test made up. What nobody knows is never refused.
  const judged = all.filter(({ outcome = "" }) => !/^(?:ValidationError|InvalidParameterException)$/.test(outcome));
  // Members that no AWS has, which tests make up to see that they are kept: an `x` before a capital letter.
  const problems = (await models("requests", judged)).split("\n").filter(Boolean);
  expect(problems.filter((each) => !/\.x[A-Z][a-z]*: is unknown"$/.test(each))).toEqual([]);

  const documents = sent.filter(({ outcome }) => outcome === "ok").flatMap(policiesOf);
  expect(new Set(documents.map(([kind]) => kind))).toEqual(new Set(["trust", "inline", "session", "repository"]));
  const unsound = new Set<string>();
  for (const [kind, text] of documents) for (const each of await lintPolicy(kind, text)) unsound.add(each);
  expect([...unsound]).toEqual([]);
});

/** The documents that our code writes, by what stands in them: tests write others, and others' statements are kept in a repository's. */
const ours: Readonly<Record<string, readonly [member: string, kind: PolicyKind, sign: RegExp]>> = {
  CreateRole: ["AssumeRolePolicyDocument", "trust", /"FunctionsOfThisRegistry"/],
  UpdateAssumeRolePolicy: ["PolicyDocument", "trust", /"FunctionsOfThisRegistry"/],
  PutRolePolicy: ["PolicyDocument", "inline", /"Sid":"Token"/],
  AssumeRole: ["Policy", "session", /^.{60,80}GetAuthorizationToken/],
  SetRepositoryPolicy: [
    "policyText",
    "repository",
    /^\{"Version":"2012-10-17","Statement":\[(?:\{"Sid":"ArtifactRegistry(?:(?!"Sid").)*)+$/,
  ],
};

function policiesOf({ action, input }: Request): [PolicyKind, string][] {
  const [member = "", kind, sign] = ours[action] ?? [];
  const text = input[member];
  return kind !== undefined && typeof text === "string" && sign?.test(text) ? [[kind, text]] : [];
}
