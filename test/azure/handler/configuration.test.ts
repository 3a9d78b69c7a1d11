import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { rulesFor, startApp } from "./functions.ts";
import { eventIn, goldenTopic, principalHeaders, tenant } from "./golden.ts";

const binding = { service: "acr", registryName: "vendorimages", resourceGroupName: "registries" };
const good = {
  ALIEN_DOOR: "platform",
  ALIEN_ACCESS_RULES: rulesFor("azure", "*"),
  ALIEN_IMAGES_BINDING: JSON.stringify(binding),
  ALIEN_PLATFORM_TENANTS: tenant,
  WEBSITE_AUTH_ENABLED: "True",
};

const everywhere: [string, Record<string, string>, RegExp][] = [
  ["rules that are no JSON", { ALIEN_ACCESS_RULES: "{" }, /access rules/],
  ["a binding that is none", { ALIEN_IMAGES_BINDING: '{"service":"acr"}' }, /ALIEN_IMAGES_BINDING/],
  ["another cloud's binding", { ALIEN_IMAGES_BINDING: '{"service":"ecr"}' }, /no service "ecr"/],
];
const overHttp: typeof everywhere = [
  ["no door", { ALIEN_DOOR: "" }, /ALIEN_DOOR/],
  ["a door that is none", { ALIEN_DOOR: "window" }, /ALIEN_DOOR/],
  ["a door that Azure does not have", { ALIEN_DOOR: "invoke" }, /no invoke door/],
  ["no tenant", { ALIEN_PLATFORM_TENANTS: " ," }, /ALIEN_PLATFORM_TENANTS/],
  ["a tenant that is no id", { ALIEN_PLATFORM_TENANTS: "*" }, /ALIEN_PLATFORM_TENANTS/],
  ["authentication that is off", { WEBSITE_AUTH_ENABLED: "False" }, /authentication is off/],
  [
    "authentication that is off before the provision door",
    { ALIEN_DOOR: "provision", WEBSITE_AUTH_ENABLED: "" },
    /authentication/,
  ],
  ["no issuers", { ALIEN_DOOR: "oidc" }, /OIDC issuers/],
];

test.each([...everywhere, ...overHttp])("%s: told to everybody who calls over HTTP", async (_, env, message) => {
  const app = startApp({ ...good, ...env });
  // Also in the log, once, before anybody asks.
  await expect.poll(() => app.started).toMatchObject([{ event: "shut", reason: expect.stringMatching(message) }]);
  // Also to the second who asks, and to who is nobody.
  for (const headers of [principalHeaders(), {}]) {
    const answer = await app.send({ headers, body: {} });
    expect(answer).toMatchObject({ status: 400, json: { code: "BINDING_CONFIG_INVALID", retryable: false } });
    expect(answer.json.message).toMatch(message);
    expect(answer.headers["x-request-id"]).toBe(answer.json.requestId);
  }
  expect(app.started).toHaveLength(1);
});

const nowhere: typeof everywhere = [
  ["nowhere for dead letters", { ALIEN_DEAD_LETTER_QUEUE_URL: "" }, /DEAD_LETTER_QUEUE_URL/],
  ["a queue without its namespace", { ALIEN_DEAD_LETTER_QUEUE_URL: "letters" }, /DEAD_LETTER_QUEUE_URL/],
  [
    "a namespace without its queue",
    { ALIEN_DEAD_LETTER_QUEUE_URL: "https://x.servicebus.windows.net/" },
    /DEAD_LETTER_QUEUE_URL/,
  ],
  [
    "a queue to which the token would go in clear",
    { ALIEN_DEAD_LETTER_QUEUE_URL: "http://x.example/letters" },
    /DEAD_LETTER_QUEUE_URL/,
  ],
];
const events = {
  ...good,
  ALIEN_DOOR: "events",
  ALIEN_DEAD_LETTER_QUEUE_URL: "https://x.servicebus.windows.net/letters",
  ALIEN_EVENTS_QUEUE: "setup",
};

test.each([...everywhere, ...nowhere])(
  "%s: told to who sends events, which stay with them",
  async (_, env, message) => {
    const app = startApp({ ...events, ALIEN_EVENT_GRID_TOPICS: goldenTopic, ...env });
    for (const name of ["artifactRegistryEvents", "artifactRegistryQueue", "artifactRegistryEvents"]) {
      const error = await app.trigger(name, eventIn("cloud-event")).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: "BINDING_CONFIG_INVALID" });
      expect((error as Error).stack).toBeUndefined();
      expect(JSON.parse((error as Error).message).message).toMatch(message);
    }
    const answer = await app.send({ path: "/events", headers: principalHeaders(), body: eventIn("cloud-event") });
    // A status by which Event Grid keeps the event.
    expect(answer).toMatchObject({ status: 503, json: { code: "BINDING_CONFIG_INVALID" } });
    expect(app.started).toMatchObject([{ event: "shut", reason: expect.stringMatching(message) }]);
  },
);

test("a file of rules that is mended opens the function at the next request, and each reason is logged once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rules-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "rules.json");
  const { ALIEN_ACCESS_RULES: _, ...env } = good;
  const app = startApp({ ...env, ALIEN_ACCESS_RULES_FILE: file });
  const ask = { headers: principalHeaders(), body: { registry: "images", repoId: "x" } };
  const outcome = async () => (await app.send(ask)).json.code;
  expect([await outcome(), await outcome()]).toEqual(["BINDING_CONFIG_INVALID", "BINDING_CONFIG_INVALID"]);
  await writeFile(file, "{");
  expect([await outcome(), await outcome()]).toEqual(["BINDING_CONFIG_INVALID", "BINDING_CONFIG_INVALID"]);
  expect(app.started.map(({ reason }) => reason)).toEqual([
    expect.stringContaining("ALIEN_ACCESS_RULES_FILE cannot be read"),
    expect.stringContaining("access rules"),
  ]);
  await writeFile(file, "[]");
  expect(await outcome()).toBe("ACCESS_DENIED");
  await writeFile(file, "{");
  // It is open now, and does not read the file again.
  expect(await outcome()).toBe("ACCESS_DENIED");
  expect(app.started).toHaveLength(2);
});

test("without rules nobody may do anything", async () => {
  const { ALIEN_ACCESS_RULES: _, ...env } = good;
  const body = { registry: "images", repoId: "x" };
  expect(await startApp(env).send({ headers: principalHeaders(), body })).toMatchObject({ status: 403 });
});

test("a rule that mints and has no permissions is named once at start, and lets nobody push", async () => {
  const [, { permissions: _, ...unsaid }] = JSON.parse(good.ALIEN_ACCESS_RULES);
  const app = startApp({ ...good, ALIEN_ACCESS_RULES: JSON.stringify([unsaid]) });
  const body = { registry: "images", repoId: "my-app", permissions: "push-pull" };
  for (const _again of [1, 2]) {
    const answer = await app.send({ path: "/v1/generateCredentials", headers: principalHeaders(), body });
    expect(answer.json).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining('"permissions"') });
  }
  expect(app.warnings).toEqual([expect.stringMatching(/^Access rule 0 \(callers: azure \*\) .* no "permissions"/)]);
  const silent = startApp(good);
  await silent.send({ headers: principalHeaders() });
  expect(silent.warnings).toEqual([]);
});

test("only the triggers of the door's kind are registered", () => {
  const names = (env: object) => [...startApp({ ...good, ...env }).registered.keys()];
  for (const door of ["platform", "oidc", "provision", "invoke", ""]) {
    expect(names({ ...events, ALIEN_DOOR: door, ALIEN_EVENT_GRID_TOPICS: goldenTopic })).toEqual(["artifactRegistry"]);
  }
  expect(names({ ...events, ALIEN_EVENTS_QUEUE: "" })).toEqual(["artifactRegistryEvents"]);
  expect(names(events)).toEqual(["artifactRegistryEvents", "artifactRegistryQueue"]);
  expect(names({ ...events, ALIEN_EVENT_GRID_TOPICS: goldenTopic })).toEqual([
    "artifactRegistryEvents",
    "artifactRegistryQueue",
    "artifactRegistryWebhook",
  ]);
  const { handler: _, ...http } = startApp(good).registered.get("artifactRegistry") ?? {};
  expect(http).toMatchObject({ route: "{*path}", authLevel: "anonymous" });
});
