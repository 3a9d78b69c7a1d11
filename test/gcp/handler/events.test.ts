import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { createOwnIdentity } from "../../../functions/gcp/auth.ts";
import { pubsubDeadLetters } from "../../../functions/gcp/doors/dead-letters.ts";
import { useStack } from "../support/registry.ts";
import { functionEnv, startFunction } from "./functions.ts";
import { eventNames, type Golden, goldenOf, messageNames, messageOf, setupEvent } from "./golden.ts";

const stack = useStack();
const reader = "roles/artifactregistry.reader";
const agent = "serviceAccount:service-444455556666@serverless-robot-prod.iam.gserviceaccount.com";

beforeEach(() => {
  const { gcp, functionAccount } = stack();
  gcp.faults.clear();
  gcp.calls.length = 0;
  const topic = gcp.topic("dead-letters");
  gcp.serviceAccount(functionAccount.split("@")[0] ?? "", { roles: { [topic]: ["roles/pubsub.publisher"] } });
});
let published = 0;
afterEach(() => {
  published = stack().gcp.published.length;
  const { gcp } = stack();
  const name = stack().repository("images");
  gcp.setPolicy(
    name,
    gcp.policy(name).bindings.map((each) => ({ ...each, members: each.members.filter((member) => member !== agent) })),
  );
});

const open = (more: Record<string, string> = {}) =>
  startFunction(functionEnv(stack(), "events", more), { target: "events" });
/** The dead letters of this test. */
const letters = () => stack().gcp.published.slice(published);
const granted = () =>
  stack()
    .gcp.policy(stack().repository("images"))
    .bindings.some(({ role, members }) => role === reader && members.includes(agent));
const structured = (event: object) => goldenOf("event-structured", { body: event });

test.each([...eventNames, ...messageNames])("%s sets the repository up, with its grants", async (name) => {
  const fn = await open();
  expect(await fn.send(goldenOf(name))).toMatchObject({ status: 204, text: "" });
  expect(granted()).toBe(true);
  const caller = { issuer: "door", subject: "events" };
  expect(fn.audit).toMatchObject([{ door: "events", caller, operation: "setupRepository", outcome: "OK" }]);
  expect([fn.events, letters()]).toEqual([[], []]);
});

test("an event that came twice, and in both forms, is handled to the same end", async () => {
  const fn = await open();
  for (const name of ["pubsub-binary", "event-structured", "pubsub-binary"] as const) {
    expect(await fn.send(goldenOf(name))).toMatchObject({ status: 204 });
  }
  expect(granted()).toBe(true);
  expect(stack().gcp.calls.filter(({ action }) => action === "SetIamPolicy")).toHaveLength(1);
});

test.each(["event-structured", "pubsub-structured"] as const)(
  "what may succeed later stays with its sender: %s",
  async (name) => {
    const busy = { kind: "throttle", retryAfterSeconds: 30 } as const;
    stack().gcp.faults.add({ action: "GetIamPolicy", fault: busy, times: Number.POSITIVE_INFINITY });
    const fn = await open();
    const answer = await fn.send(goldenOf(name));
    expect(answer).toMatchObject({ status: 500, json: { code: "RATE_LIMIT_EXCEEDED", retryable: true } });
    const messageId = name === "pubsub-structured" ? { messageId: "12345678901234567" } : {};
    expect(fn.events).toMatchObject([{ event: "retry", outcome: "RATE_LIMIT_EXCEEDED", ...messageId }]);
    expect(letters()).toEqual([]);
    // And can.
    stack().gcp.faults.clear();
    expect(await fn.send(goldenOf(name))).toMatchObject({ status: 204 });
    expect(granted()).toBe(true);
  },
);

describe("what can never succeed goes to the dead letters with its reason", () => {
  const hopeless: [string, object, string][] = [
    ["too old", { time: "2026-05-06T06:08:08Z" }, "RESOURCE_CONFLICT"],
    ["from the future", { time: "2026-05-06T08:00:00Z" }, "INVALID_INPUT"],
    ["without a time", { time: undefined }, "INVALID_INPUT"],
    ["of another type", { type: "google.cloud.storage.object.v1.finalized" }, "INVALID_INPUT"],
    ["of another version", { specversion: "0.3" }, "INVALID_INPUT"],
    ["about a registry that is not bound", { data: { registry: "builds", name: "x" } }, "BINDING_NOT_CONFIGURED"],
    ["with a field too many", { data: { registry: "images", name: "x", extra: 1 } }, "INVALID_INPUT"],
    ["without data", { data: undefined }, "INVALID_INPUT"],
    ["too large", { data: { registry: "images", name: "x".repeat(70_000) } }, "PAYLOAD_TOO_LARGE"],
  ];

  test.each(hopeless)("an event %s", async (_, changes, code) => {
    const fn = await open();
    const event = setupEvent(changes);
    expect(await fn.send(structured(event))).toMatchObject({ status: 204 });
    const [letter, ...more] = letters();
    expect(letter?.topic).toBe("projects/vendor-project/topics/dead-letters");
    expect(letter?.attributes).toMatchObject({ code, reason: expect.any(String), requestId: expect.any(String) });
    // A structured event again, for whoever reads it.
    expect(letter?.attributes["content-type"]).toBe("application/cloudevents+json");
    expect(JSON.parse(letter?.data ?? "")).toMatchObject(JSON.parse(JSON.stringify(event)));
    expect([more, granted()]).toEqual([[], false]);
    expect(fn.events).toMatchObject([{ event: "dead-letter", outcome: code }]);
  });

  test.each(hopeless)("a message with an event %s", async (_, changes, code) => {
    const fn = await open();
    const data = JSON.stringify(setupEvent(changes));
    expect(await fn.send(messageOf(data, { own: "1" }))).toMatchObject({ status: 204 });
    // The very message, so that it can be published again.
    expect(letters()).toMatchObject([{ data, attributes: { code, own: "1" } }]);
    expect([letters().length, granted()]).toEqual([1, false]);
    expect(fn.events).toMatchObject([{ event: "dead-letter", outcome: code, messageId: "12345678901234567" }]);
  });

  const event = setupEvent();
  const { data: _, ...attributes } = event;
  const binary = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]));
  test.each<[string, string, Record<string, string>]>([
    ["whose data is no JSON", "this is not JSON", {}],
    ["whose data is no object", '"text"', {}],
    ["whose data is another message", JSON.stringify(goldenOf("pubsub-plain").body), {}],
    ["that is empty but for its attributes", "", binary],
    ["in binary mode whose data is no JSON", "{", binary],
    ["in binary mode of another media type", JSON.stringify(event.data), { ...binary, "content-type": "text/plain" }],
    [
      "that says it holds a whole event",
      JSON.stringify(event.data),
      { ...binary, "content-type": "application/cloudevents+json" },
    ],
    ["in binary mode without a time", JSON.stringify(event.data), { ...binary, "ce-time": "" }],
  ])("a message %s", async (_name, data, its) => {
    const fn = await open();
    expect(await fn.send(messageOf(data, its))).toMatchObject({ status: 204 });
    expect(letters()).toMatchObject([{ data, attributes: { ...its, code: "INVALID_INPUT" } }]);
    expect(granted()).toBe(false);
  });

  test("a message that Pub/Sub pushed by itself", async () => {
    const fn = await open();
    expect(await fn.send(messageOf("no JSON", { own: "1" }, "push-structured"))).toMatchObject({ status: 204 });
    expect(letters()).toMatchObject([{ data: "no JSON", attributes: { own: "1", code: "INVALID_INPUT" } }]);
    expect(fn.events).toMatchObject([{ event: "dead-letter", messageId: "12345678901234567" }]);
  });

  test("an event of Pub/Sub that holds no message", async () => {
    const fn = await open();
    for (const body of [{}, { message: null }, { message: { data: "no base64!" } }]) {
      expect(await fn.send({ ...goldenOf("pubsub-plain"), body })).toMatchObject({ status: 204 });
    }
    expect(letters().map((each) => JSON.parse(each.data).data)).toHaveLength(3);
  });

  test("data that is no JSON at all", async () => {
    const fn = await open();
    const golden = goldenOf("event-binary", {
      body: Buffer.from([0xff, 0xfe]),
      headers: { "content-type": "image/png" },
    });
    expect(await fn.send(golden)).toMatchObject({ status: 204 });
    expect(JSON.parse(letters()[0]?.data ?? "")).toMatchObject({ id: "evt-1", data_base64: "//4=" });
  });

  test("a message whose attributes leave no room, or are Pub/Sub's own", async () => {
    const fn = await open();
    const many = Object.fromEntries(Array.from({ length: 99 }, (_each, index) => [`name-${index}`, "x"]));
    expect(await fn.send(messageOf("no JSON", { ...many, googclient_schemaencoding: "JSON" }))).toMatchObject({
      status: 204,
    });
    expect(letters()).toMatchObject([{ data: "no JSON", attributes: { "name-0": "x", code: "INVALID_INPUT" } }]);
    expect(Object.keys(letters()[0]?.attributes ?? {}).filter((name) => name.startsWith("goog"))).toEqual([]);
  });

  test("a reason is cut to what Pub/Sub takes", async () => {
    const reason = new ArtifactRegistryError("INVALID_INPUT", "ü".repeat(600), { hint: `${"x".repeat(1_023)}€` });
    const env = functionEnv(stack(), "events");
    const message = { data: Buffer.from("event"), attributes: {} };
    await pubsubDeadLetters(env, createOwnIdentity(env)).send(message, reason, "req-1", AbortSignal.timeout(20_000));
    const attributes = { reason: "ü".repeat(512), hint: "x".repeat(1_023), requestId: "req-1" };
    expect(letters()).toMatchObject([{ data: "event", attributes }]);
  });
});

describe("an event whose dead letter is not taken is not dropped", () => {
  const late = () => structured(setupEvent({ time: "2020-01-01T00:00:00Z" }));
  async function keeps(golden: Golden, code: string, more: Record<string, string> = {}) {
    const fn = await open(more);
    expect(await fn.send(golden)).toMatchObject({ status: 500, json: { code } });
    expect(fn.events).toMatchObject([{ event: "retry", outcome: code }]);
    expect(letters()).toEqual([]);
  }

  test("while Pub/Sub fails", async () => {
    const fault = { kind: "error", status: "UNAVAILABLE" } as const;
    stack().gcp.faults.add({ action: "Publish", fault, times: Number.POSITIVE_INFINITY });
    await keeps(late(), "SERVICE_UNAVAILABLE");
  });

  test("where there is no such topic, or none that the function may publish to", () =>
    keeps(late(), "ACCESS_DENIED", { ALIEN_DEAD_LETTER_TOPIC: "projects/vendor-project/topics/never-made" }));

  test("but a failure that passes is passed over", async () => {
    stack().gcp.faults.add({ action: "Publish", fault: { kind: "error", status: "UNAVAILABLE" } });
    const fn = await open();
    expect(await fn.send(late())).toMatchObject({ status: 204 });
    expect(letters()).toHaveLength(1);
  });

  test("and a letter whose answer was lost comes twice", async () => {
    stack().gcp.faults.add({ action: "Publish", fault: { kind: "lost" } });
    const fn = await open();
    expect(await fn.send(late())).toMatchObject({ status: 204 });
    expect(letters()).toHaveLength(2);
  });
});

describe("what is no event is refused, and stays with its sender", () => {
  test.each<[string, unknown]>([
    ["an operation's payload", goldenOf("direct").body],
    ["a request", goldenOf("platform").body],
    ["a list", []],
    ["nothing", undefined],
    // The framework takes it for none: Pub/Sub keeps it, until it gives up.
    ["a pushed message without data", { message: { messageId: "1", attributes: {} }, subscription: "x" }],
  ])("%s", async (_, body) => {
    const fn = await open();
    const answer = await fn.send(goldenOf("direct", { body }));
    expect(answer.status).toBe(500);
    expect([fn.audit, letters()]).toEqual([[], []]);
    expect(answer.text).not.toMatch(/ at .*\.[jt]s:\d+/);
  });
});
