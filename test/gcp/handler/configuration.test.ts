import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { StartLine } from "../../../core/suite.ts";
import { createFunctions, timeLimits } from "../../../functions/gcp/doors/functions.ts";
import { rules, startFunction } from "./functions.ts";
import { goldenOf, setupEvent } from "./golden.ts";

const binding = { service: "gar", projectId: "vendor-project", location: "europe-west1", repositoryName: "images" };
const good: Record<string, string> = {
  K_SERVICE: "artifact-registry",
  ALIEN_DOOR: "platform",
  ALIEN_ACCESS_RULES: rules,
  ALIEN_IMAGES_BINDING: JSON.stringify(binding),
};

const bad: [string, Record<string, string>, RegExp][] = [
  ["no door", { ALIEN_DOOR: "" }, /ALIEN_DOOR/],
  ["a door that is none", { ALIEN_DOOR: "window" }, /ALIEN_DOOR/],
  ["rules that are no JSON", { ALIEN_ACCESS_RULES: "{" }, /access rules/],
  ["a binding that is none", { ALIEN_IMAGES_BINDING: '{"service":"gar"}' }, /ALIEN_IMAGES_BINDING/],
  ["another cloud's binding", { ALIEN_IMAGES_BINDING: '{"service":"ecr"}' }, /no service "ecr"/],
  ["no location", { ALIEN_IMAGES_BINDING: '{"service":"gar","repositoryName":"images"}' }, /projectId/],
  [
    "one account for pulls and for pushes",
    {
      ALIEN_IMAGES_BINDING: JSON.stringify({
        ...binding,
        pullServiceAccountEmail: "both@vendor-project.iam.gserviceaccount.com",
        pushServiceAccountEmail: "both@vendor-project.iam.gserviceaccount.com",
      }),
    },
    /"pullServiceAccountEmail" must not be the account for pushes/,
  ],
  ["no issuers", { ALIEN_DOOR: "oidc" }, /OIDC issuers/],
];
/** Where no platform verifies tokens, anybody can write one that says that it was verified. */
const overHttp: typeof bad = [["no Cloud Run", { K_SERVICE: "" }, /not Cloud Run/]];

test.each([...bad, ...overHttp])("%s: told to everybody who calls over HTTP", async (_, env, message) => {
  const fn = await startFunction({ ...good, ...env });
  // Also in the log, once, before anybody asks.
  await expect.poll(() => fn.started).toMatchObject([{ event: "shut", reason: expect.stringMatching(message) }]);
  // Also to the second who asks.
  for (const golden of [goldenOf("platform"), goldenOf("public")]) {
    const answer = await fn.send(golden);
    expect(answer).toMatchObject({ status: 400, json: { code: "BINDING_CONFIG_INVALID", retryable: false } });
    expect(answer.json.message).toMatch(message);
    expect(answer.headers["x-request-id"]).toBe(answer.json.requestId);
  }
  expect(fn.started).toHaveLength(1);
});

test("a file of rules that is mended opens the function at the next request, and each reason is logged once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rules-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "rules.json");
  const { ALIEN_ACCESS_RULES: _, ...env } = good;
  const fn = await startFunction({ ...env, ALIEN_ACCESS_RULES_FILE: file });
  const outcome = async () => (await fn.send(goldenOf("platform"))).json.code;
  expect([await outcome(), await outcome()]).toEqual(["BINDING_CONFIG_INVALID", "BINDING_CONFIG_INVALID"]);
  await writeFile(file, "{");
  expect([await outcome(), await outcome()]).toEqual(["BINDING_CONFIG_INVALID", "BINDING_CONFIG_INVALID"]);
  expect(fn.started.map(({ reason }) => reason)).toEqual([
    expect.stringContaining("ALIEN_ACCESS_RULES_FILE cannot be read"),
    expect.stringContaining("access rules"),
  ]);
  await writeFile(file, "[]");
  expect(await outcome()).toBe("ACCESS_DENIED");
  await writeFile(file, "{");
  // It is open now, and does not read the file again.
  expect(await outcome()).toBe("ACCESS_DENIED");
  expect(fn.started).toHaveLength(2);
});

const noMistake = {};
const nowhere: typeof bad = [
  ["nowhere for dead letters", { ALIEN_DOOR: "events" }, /ALIEN_DEAD_LETTER_TOPIC/],
  ["a topic without its project", { ALIEN_DOOR: "events", ALIEN_DEAD_LETTER_TOPIC: "letters" }, /DEAD_LETTER_TOPIC/],
  ["a URL for a topic", { ALIEN_DOOR: "events", ALIEN_DEAD_LETTER_TOPIC: "https://x/topics/y" }, /DEAD_LETTER_TOPIC/],
  ["another door than events", noMistake, /platform door takes no events/],
];

test.each([...bad, ...nowhere])("%s: told to who sends events, which stay with them", async (_, env, message) => {
  const started: StartLine[] = [];
  const variables = { ...good, ...env };
  const { artifactRegistryEvents } = createFunctions(variables, { startLog: (line) => void started.push(line) });
  for (const _again of [1, 2]) {
    const error = await artifactRegistryEvents(setupEvent()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "BINDING_CONFIG_INVALID" });
    expect(JSON.parse((error as Error).message).message).toMatch(message);
  }
  // The other function of the bundle is no mistake where its door is not this one's.
  const isMistake = variables.ALIEN_DOOR === "events" || env !== noMistake;
  expect(started).toMatchObject(isMistake ? [{ event: "shut", reason: expect.stringMatching(message) }] : []);
});

test("without rules nobody may do anything", async () => {
  const { ALIEN_ACCESS_RULES: _, ...env } = good;
  expect(await (await startFunction(env)).send(goldenOf("platform"))).toMatchObject({ status: 403 });
});

test("a rule that mints and has no permissions is named once at start, and lets nobody push", async () => {
  const [, { permissions: _, ...unsaid }] = JSON.parse(rules);
  const fn = await startFunction({ ...good, ALIEN_ACCESS_RULES: JSON.stringify([{ ...unsaid, repositories: ["*"] }]) });
  const body = { registry: "images", repoId: "vendor-project/images/my-app", permissions: "push-pull" };
  for (const _again of [1, 2]) {
    const answer = await fn.send(goldenOf("platform", { path: "/v1/generateCredentials", body }));
    expect(answer.json).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining('"permissions"') });
  }
  expect(fn.warnings).toEqual([
    expect.stringMatching(/^Access rule 0 \(callers: gcp pipeline@\S+\) .* no "permissions"/),
  ]);
  expect((await startFunction(good)).warnings).toEqual([]);
});

test("the events function is handed no callback", () => {
  // A second parameter would be one, to the framework.
  expect(createFunctions(good).artifactRegistryEvents.length).toBe(1);
});

test("the events door is shut for HTTP", async () => {
  const fn = await startFunction({
    ...good,
    ALIEN_DOOR: "events",
    ALIEN_DEAD_LETTER_TOPIC: "projects/p/topics/letters",
  });
  expect(await fn.send(goldenOf("platform"))).toMatchObject({ status: 401 });
  expect(await fn.send(goldenOf("direct"))).toMatchObject({ status: 404 });
});

test.each([
  [undefined, 59_500, 55_000],
  ["60", 59_500, 55_000],
  ["30", 29_500, 29_500],
  ["3600", 3_599_500, 55_000],
  ["0", 59_500, 55_000],
  ["soon", 59_500, 55_000],
])("with %s seconds an invocation has %i ms, an operation %i", (seconds, invocationMs, operationMs) => {
  expect(timeLimits({ CLOUD_RUN_TIMEOUT_SECONDS: seconds })).toEqual({ invocationMs, operationMs });
});
