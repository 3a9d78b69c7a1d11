import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventOf } from "./events.ts";
import { rules, startFunction } from "./functions.ts";

const good: Record<string, string> = {
  AWS_REGION: "us-east-1",
  ALIEN_DOOR: "invoke",
  ALIEN_ACCESS_RULES: rules,
  ALIEN_IMAGES_BINDING: '{"service":"ecr","repositoryPrefix":"images"}',
};

const bad: [string, Record<string, string>, RegExp][] = [
  ["no door", { ALIEN_DOOR: "" }, /ALIEN_DOOR/],
  ["a door that is none", { ALIEN_DOOR: "window" }, /ALIEN_DOOR/],
  ["rules that are no JSON", { ALIEN_ACCESS_RULES: "{" }, /access rules/],
  ["a binding that is none", { ALIEN_IMAGES_BINDING: '{"service":"ecr"}' }, /ALIEN_IMAGES_BINDING/],
  ["another cloud's binding", { ALIEN_IMAGES_BINDING: '{"service":"gar"}' }, /no service "gar"/],
  ["no region", { AWS_REGION: "" }, /AWS_REGION/],
  ["no issuers", { ALIEN_DOOR: "oidc" }, /OIDC issuers/],
  ["nowhere for dead letters", { ALIEN_DOOR: "events" }, /ALIEN_DEAD_LETTER_QUEUE_URL/],
];

test.each(bad)("%s: told to who calls directly", async (_, env, message) => {
  const fn = startFunction({ ...good, ...env });
  // Also in the log, once, before anybody asks.
  const told = { event: "shut", outcome: "BINDING_CONFIG_INVALID", reason: expect.stringMatching(message) };
  await expect.poll(() => fn.started).toMatchObject([told]);
  // Also to the second who asks.
  for (const event of [eventOf("direct"), eventOf("sqs-batch")]) {
    const error = (await fn.invoke(event).catch((thrown: unknown) => thrown)) as Error;
    expect(error.name).toBe("BINDING_CONFIG_INVALID");
    expect(JSON.parse(error.message)).toMatchObject({ message: expect.stringMatching(message), retryable: false });
  }
  expect(fn.started).toHaveLength(1);
});

test.each(bad)("%s: told to who calls over HTTP", async (_, env, message) => {
  const answer = await startFunction({ ...good, ...env }).invoke(eventOf("function-url-iam"));
  expect(answer).toMatchObject({ statusCode: 400, headers: { "content-type": "application/json" } });
  const { body } = answer as { body: string };
  expect(JSON.parse(body)).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: expect.stringMatching(message) });
});

test("a file of rules that is mended opens the function at the next call", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rules-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "rules.json");
  const { ALIEN_ACCESS_RULES: _, ...env } = good;
  const fn = startFunction({ ...env, ALIEN_ACCESS_RULES_FILE: file });
  const outcome = () => fn.invoke(eventOf("direct")).catch((thrown: Error) => thrown.name);
  expect([await outcome(), await outcome()]).toEqual(["BINDING_CONFIG_INVALID", "BINDING_CONFIG_INVALID"]);
  await writeFile(file, "[]");
  expect(await outcome()).toBe("ACCESS_DENIED");
  expect(fn.started).toHaveLength(1);
});

test("without rules nobody may do anything", async () => {
  const { ALIEN_ACCESS_RULES: _, ...env } = good;
  await expect(startFunction(env).invoke(eventOf("direct"))).rejects.toMatchObject({ name: "ACCESS_DENIED" });
});

test("a rule that mints and has no permissions is named once at start, and lets nobody push", async () => {
  const [{ permissions: _, ...unsaid }] = JSON.parse(rules);
  const fn = startFunction({ ...good, ALIEN_ACCESS_RULES: JSON.stringify([unsaid]) });
  const input = { registry: "images", repoId: "images-my-app", permissions: "push-pull" };
  for (const _again of [1, 2]) {
    const error = await fn.invoke({ operation: "generateCredentials", ...input }).catch((thrown: unknown) => thrown);
    expect(JSON.parse((error as Error).message)).toMatchObject({
      code: "ACCESS_DENIED",
      hint: expect.stringContaining('"permissions"'),
    });
  }
  expect(fn.warnings).toEqual([expect.stringMatching(/^Access rule 0 \(callers: door \*\) .* no "permissions"/)]);
  expect(startFunction(good).warnings).toEqual([]);
});

test("a function is handed no callback", async () => {
  const { createHandler } = await import("../../../functions/aws/doors/handler.ts");
  // Lambda's runtime refuses a handler with a third parameter.
  expect(createHandler(good).length).toBe(2);
});
