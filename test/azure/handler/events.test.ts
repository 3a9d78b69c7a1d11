import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { serviceBusDeadLetters } from "../../../functions/azure/doors/dead-letters.ts";
import { redeliveryDelayMs } from "../../../functions/azure/doors/events.ts";
import { createOwnIdentity } from "../../../functions/azure/identity.ts";
import { holdTimeLimits } from "../../support/time-limits.ts";
import { containerRegistry, useStack } from "../support/registry.ts";
import { functionEnv, startApp } from "./functions.ts";
import { eventIn, goldenTopic, withRole } from "./golden.ts";

const stack = useStack();
const sender = "Azure Service Bus Data Sender";
let queue: { readonly url: string; readonly id: string };
beforeEach(() => {
  const { azure, identity } = stack();
  queue = azure.queue("letters");
  azure.unassign(identity, sender);
  azure.assign(identity, sender, queue.id);
  azure.faults.clear();
  azure.sent.length = 0;
  containerRegistry(stack()).scopeMaps.clear();
});

const env = (more: Record<string, string> = {}) =>
  functionEnv(stack(), "events", { ALIEN_DEAD_LETTER_QUEUE_URL: queue.url, ALIEN_EVENTS_QUEUE: "setup", ...more });
const open = (more: Record<string, string> = {}) => startApp(env(more));
const made = () => containerRegistry(stack()).scopeMaps.size > 0;
const letters = () => stack().azure.sent.map((each) => ({ ...each, body: each.body.toString() }));
const refusal = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (thrown: Error) => JSON.parse(thrown.message),
  );

/** The ways by which an event comes in: how the worker hands it over. */
const ways: [string, (event: Record<string, unknown>) => [string, unknown, object?]][] = [
  ["a CloudEvent from Event Grid", (event) => ["artifactRegistryEvents", event]],
  ["a message of Service Bus", (event) => ["artifactRegistryQueue", event, { messageId: 12345 }]],
  [
    "a message of bytes",
    (event) => ["artifactRegistryQueue", Buffer.from(JSON.stringify(event)), { messageId: "12345" }],
  ],
  [
    "a message in binary mode",
    ({ data, ...attributes }) => {
      const properties = Object.entries(attributes).filter(([, value]) => value !== undefined);
      const named = Object.fromEntries(properties.map(([name, value]) => [`cloudEvents:${name}`, value]));
      return [
        "artifactRegistryQueue",
        data,
        { messageId: "12345", contentType: "application/json", applicationProperties: named },
      ];
    },
  ],
];

test.each(ways)("%s sets the repository up", async (_, by) => {
  const app = open();
  await app.trigger(...by(eventIn("cloud-event")));
  expect(made()).toBe(true);
  const caller = { issuer: "door", subject: "events" };
  expect(app.audit).toMatchObject([{ door: "events", caller, operation: "setupRepository", outcome: "OK" }]);
  expect([app.events, letters()]).toEqual([[], []]);
});

test.each(ways)("%s that meets a registry that is not ready is carried out, or delivered again", async (_, by) => {
  const { azure } = stack();
  const fault = { kind: "error", status: 409, code: "RegistryNotReady" } as const;
  azure.faults.add({ fault, action: "PUT scopeMaps" });
  const app = open();
  await app.trigger(...by(eventIn("cloud-event")));
  expect([made(), letters()]).toEqual([true, []]);
  // A conflict that does not pass in the event's time is the sender's to bring again.
  containerRegistry(stack()).scopeMaps.clear();
  const limits = holdTimeLimits(90_000);
  azure.faults.add({ fault, action: "PUT scopeMaps", times: 100_000 });
  const again = refusal(app.trigger(...by(eventIn("cloud-event"))));
  const puts = () => azure.calls.filter(({ action }) => action === "PUT scopeMaps").length;
  const before = puts();
  await expect.poll(puts).toBeGreaterThan(before + 1);
  limits.end();
  // The end may come between two requests, or while one is under way.
  expect(await again).toMatchObject({
    code: expect.stringMatching(/^(?:RESOURCE_CONFLICT|TIMEOUT)$/),
    retryable: true,
  });
  expect([made(), letters()]).toEqual([false, []]);
});

test.each(["artifactRegistryEvents", "artifactRegistryQueue"])(
  "so does an event in Event Grid's schema: %s",
  async (name) => {
    const app = open();
    await app.trigger(name, eventIn("event-grid-event"));
    expect([made(), app.events, letters()]).toEqual([true, [], []]);
  },
);

test("the properties of a message can begin with an underscore, too", async () => {
  const { data, ...attributes } = eventIn("cloud-event");
  const applicationProperties = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`cloudEvents_${name}`, value]),
  );
  await open().trigger("artifactRegistryQueue", data, { applicationProperties });
  expect(made()).toBe(true);
});

test("an event that came twice, and in both schemas, is handled to the same end", async () => {
  const app = open();
  for (const schema of ["cloud-event", "event-grid-event", "cloud-event"] as const) {
    await app.trigger("artifactRegistryEvents", eventIn(schema));
  }
  expect(containerRegistry(stack()).scopeMaps.size).toBe(1);
  expect(app.audit.map(({ outcome }) => outcome)).toEqual(["OK", "OK", "OK"]);
});

test.each(ways)("what may succeed later is thrown, for its sender to keep: %s", async (_, by) => {
  const fault = { kind: "throttle", retryAfterSeconds: 30 } as const;
  stack().azure.faults.add({ service: "arm", fault, times: Number.POSITIVE_INFINITY });
  const app = open();
  const [name, data, metadata] = by(eventIn("cloud-event"));
  expect(await refusal(app.trigger(name, data, metadata))).toMatchObject({
    code: "RATE_LIMIT_EXCEEDED",
    retryable: true,
  });
  const messageId = metadata === undefined ? {} : { messageId: "12345" };
  expect(app.events).toMatchObject([{ event: "retry", outcome: "RATE_LIMIT_EXCEEDED", ...messageId }]);
  expect(letters()).toEqual([]);
  // And can.
  stack().azure.faults.clear();
  await app.trigger(name, data, metadata);
  expect(made()).toBe(true);
});

test("a message is given back later and later, and never later than the host waits", () => {
  expect([1, 2, 3, 5, 6, 30, 2_000].map(redeliveryDelayMs)).toEqual([
    1_000, 2_000, 4_000, 16_000, 30_000, 30_000, 30_000,
  ]);
  expect([undefined, 0, "1", null].map(redeliveryDelayMs)).toEqual([0, 0, 0, 0]);
});

describe("what can never succeed goes to the dead letters with its reason", () => {
  const hopeless: [string, object, string][] = [
    ["too old", { time: "2026-05-06T06:08:08Z" }, "RESOURCE_CONFLICT"],
    ["from the future", { time: "2026-05-06T08:00:00Z" }, "INVALID_INPUT"],
    ["without a time", { time: undefined }, "INVALID_INPUT"],
    ["of another type", { type: "Microsoft.Storage.BlobCreated" }, "INVALID_INPUT"],
    ["of another version", { specversion: "0.3" }, "INVALID_INPUT"],
    ["about a registry that is not bound", { data: { registry: "builds", name: "x" } }, "BINDING_NOT_CONFIGURED"],
    ["with a field too many", { data: { registry: "images", name: "x", extra: 1 } }, "INVALID_INPUT"],
    ["without data", { data: undefined }, "INVALID_INPUT"],
    ["too large", { data: { registry: "images", name: "x".repeat(70_000) } }, "PAYLOAD_TOO_LARGE"],
  ];

  describe.each(ways)("%s", (_way, by) => {
    test.each(hopeless)("an event %s", async (_, changes, code) => {
      const app = open();
      const event = eventIn("cloud-event", changes);
      await app.trigger(...by(event));
      const [letter, ...more] = letters();
      expect(letter).toMatchObject({ queue: "letters", properties: { code } });
      expect(letter?.properties).toMatchObject({ reason: expect.any(String), requestid: app.events[0]?.requestId });
      expect(JSON.parse(letter?.body ?? "")).toEqual(JSON.parse(JSON.stringify(event)));
      expect([more, made()]).toEqual([[], false]);
      expect(app.events).toMatchObject([{ event: "dead-letter", outcome: code }]);
    });
  });

  test.each<[string, object, string]>([
    ["too old", { eventTime: "2026-05-06T06:08:08.1234567Z" }, "RESOURCE_CONFLICT"],
    ["of another type", { eventType: "Microsoft.ContainerRegistry.ImagePushed" }, "INVALID_INPUT"],
    ["whose data is no object", { data: "text" }, "INVALID_INPUT"],
  ])("an event in Event Grid's schema %s, as it came", async (_, changes, code) => {
    const event = eventIn("event-grid-event", changes);
    await open().trigger("artifactRegistryEvents", event);
    expect(letters()).toMatchObject([{ contentType: "application/json", properties: { code } }]);
    expect(JSON.parse(letters()[0]?.body ?? "")).toEqual(event);
  });

  test.each<[string, unknown, string, string]>([
    ["text", "this is not JSON", "this is not JSON", "text/plain; charset=utf-8"],
    ["a number", 5, "5", "application/json"],
    ["a list of events", [eventIn("cloud-event")], JSON.stringify([eventIn("cloud-event")]), "application/json"],
    ["nothing", undefined, "null", "application/json"],
    ["bytes that are no JSON", Buffer.from("{"), "{", "application/octet-stream"],
    ["bytes that are no text", Buffer.from([0xff]), "\ufffd", "application/octet-stream"],
    [
      "an operation's payload",
      { operation: "setupRepository", registry: "images", name: "x" },
      '{"operation":"setupRepository","registry":"images","name":"x"}',
      "application/json",
    ],
  ])("a message that is %s", async (_, body, text, contentType) => {
    await open().trigger("artifactRegistryQueue", body, { messageId: "1" });
    expect(letters()).toMatchObject([{ body: text, contentType, properties: { code: "INVALID_INPUT" } }]);
    expect(made()).toBe(false);
  });

  test("a reason is cut, and written so that a header can hold it", async () => {
    const reason = new ArtifactRegistryError("INVALID_INPUT", `"ü"\r\nx: y\\${"x".repeat(2_000)}`);
    const dead = serviceBusDeadLetters(env(), createOwnIdentity(env()));
    await dead.send({ body: "event", contentType: "text/plain" }, reason, "req-1", AbortSignal.timeout(20_000));
    const [letter] = letters();
    expect(letter?.properties).toEqual({
      code: "INVALID_INPUT",
      reason: `'?'??x: y?${"x".repeat(1_014)}`,
      requestid: "req-1",
    });
  });
});

describe("an event whose dead letter is not taken is not dropped", () => {
  const late = () => eventIn("cloud-event", { time: "2020-01-01T00:00:00Z" });
  async function keeps(code: string, more: Record<string, string> = {}) {
    const app = open(more);
    expect(await refusal(app.trigger("artifactRegistryEvents", late()))).toMatchObject({ code });
    expect(app.events).toMatchObject([{ event: "retry", outcome: code }]);
    expect(letters()).toEqual([]);
  }

  test("while Service Bus fails", async () => {
    const fault = { kind: "failure", status: 503 } as const;
    stack().azure.faults.add({ service: "servicebus", fault, times: Number.POSITIVE_INFINITY });
    await keeps("SERVICE_UNAVAILABLE");
  });

  test("where the identity may not send", async () => {
    stack().azure.unassign(stack().identity, sender);
    await keeps("ACCESS_DENIED");
  });

  test("where there is no such queue", async () => {
    stack().azure.assign(stack().identity, sender, queue.id.replace(/\/queues\/.*/, ""));
    await keeps("BINDING_CONFIG_INVALID", { ALIEN_DEAD_LETTER_QUEUE_URL: queue.url.replace(/letters$/, "others") });
  });

  test("where it is larger than the queue takes", async () => {
    const app = open();
    const event = eventIn("cloud-event", { data: { name: "x".repeat(300_000) } });
    expect(await refusal(app.trigger("artifactRegistryEvents", event))).toMatchObject({ code: "QUOTA_EXCEEDED" });
  });

  test("but a failure that passes is passed over; a letter whose answer was lost comes twice", async () => {
    stack().azure.faults.add({ service: "servicebus", fault: { kind: "failure" } });
    await open().trigger("artifactRegistryEvents", late());
    expect(letters()).toHaveLength(1);
    stack().azure.faults.add({ service: "servicebus", fault: { kind: "lost" } });
    await open().trigger("artifactRegistryEvents", late());
    expect(letters()).toHaveLength(3);
  });
});

test("what kept the triggers and the webhook shut is mended, and the events that are delivered again get in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rules-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "rules.json");
  const { ALIEN_ACCESS_RULES: rules, ...variables } = env({ ALIEN_EVENT_GRID_TOPICS: goldenTopic });
  const app = startApp({ ...variables, ALIEN_ACCESS_RULES_FILE: file });
  const event = eventIn("cloud-event");
  const headers = withRole("AzureEventGridSecureWebhookSubscriber");
  const deliver = () => app.send({ path: "/events", headers, body: event });
  for (const name of ["artifactRegistryEvents", "artifactRegistryQueue"]) {
    expect(await refusal(app.trigger(name, event))).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
  }
  expect(await deliver()).toMatchObject({ status: 503, json: { code: "BINDING_CONFIG_INVALID" } });
  expect([made(), letters()]).toEqual([false, []]);

  await writeFile(file, String(rules));
  for (const name of ["artifactRegistryEvents", "artifactRegistryQueue"]) {
    containerRegistry(stack()).scopeMaps.clear();
    expect(await refusal(app.trigger(name, event))).toBeUndefined();
    expect(made()).toBe(true);
  }
  containerRegistry(stack()).scopeMaps.clear();
  expect(await deliver()).toMatchObject({ status: 204 });
  expect(made()).toBe(true);
  expect(app.started).toMatchObject([{ event: "shut", reason: expect.stringContaining("cannot be read") }]);
});
