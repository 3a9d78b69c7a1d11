import { beforeEach, describe, expect, test } from "vitest";
import { containerRegistry, useStack } from "../support/registry.ts";
import { functionEnv, startApp } from "./functions.ts";
import { eventIn, goldenTopic, principalHeaders, validationEvent, withRole } from "./golden.ts";

const stack = useStack();
const role = "AzureEventGridSecureWebhookSubscriber";
beforeEach(() => {
  const { azure, identity } = stack();
  azure.unassign(identity, "Azure Service Bus Data Sender");
  azure.assign(identity, "Azure Service Bus Data Sender", azure.queue("letters").id);
  azure.faults.clear();
  azure.sent.length = 0;
  containerRegistry(stack()).scopeMaps.clear();
});

const open = () =>
  startApp(
    functionEnv(stack(), "events", {
      ALIEN_DEAD_LETTER_QUEUE_URL: stack().azure.queue("letters").url,
      ALIEN_EVENT_GRID_TOPICS: `/subscriptions/x/other, ${goldenTopic.toUpperCase()}`,
    }),
  );
const path = "/events";
const made = () => containerRegistry(stack()).scopeMaps.size;
const letters = () => stack().azure.sent.map(({ properties }) => properties.code);

describe("the handshake of CloudEvents", () => {
  const ask = (headers: Record<string, string>) => open().send({ method: "OPTIONS", path, headers });

  test("Event Grid may subscribe where it has the role", async () => {
    const answer = await ask({ ...withRole(role), "webhook-request-origin": "eventgrid.azure.net" });
    expect(answer).toMatchObject({
      status: 200,
      headers: { "webhook-allowed-origin": "eventgrid.azure.net", allow: "POST" },
    });
  });

  test.each([
    ["nobody", { "webhook-request-origin": "eventgrid.azure.net" }, 401],
    ["who has another role", { ...principalHeaders(), "webhook-request-origin": "eventgrid.azure.net" }, 403],
    [
      "another sender of events",
      { ...withRole(role), "webhook-request-origin": "eventgrid.azure.net.evil.example" },
      403,
    ],
    ["who does not say from where", withRole(role), 403],
  ])("%s may not", async (_, headers, status) => {
    const answer = await ask(headers);
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty("webhook-allowed-origin");
  });
});

describe("the handshake of Event Grid's schema", () => {
  const ask = (body: unknown, headers: Record<string, string> = withRole(role)) => open().send({ path, headers, body });

  test("a topic that is named may subscribe", async () => {
    expect(await ask(validationEvent())).toMatchObject({
      status: 200,
      json: { validationResponse: "512d38b6-c7b8-40c8-89fe-f46f9e9622b6" },
    });
  });

  test.each([
    ["another topic", validationEvent({ topic: `${goldenTopic}-2` }), withRole(role), 403],
    ["no topic", validationEvent({ topic: "" }), withRole(role), 403],
    ["nobody", validationEvent(), {}, 401],
    ["who has another role", validationEvent(), principalHeaders(), 403],
  ])("%s may not", async (_, body, headers, status) => {
    const answer = await ask(body, headers);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.json)).not.toContain("512d38b6");
  });
});

describe("a delivery", () => {
  const ask = (body: unknown, headers: Record<string, string> = withRole(role)) => open().send({ path, headers, body });

  test.each([
    ["a CloudEvent", eventIn("cloud-event")],
    ["CloudEvents", [eventIn("cloud-event"), eventIn("cloud-event", { id: "evt-2" })]],
    ["events in Event Grid's schema", [eventIn("event-grid-event")]],
  ])("%s set the repository up", async (_, body) => {
    expect(await ask(body)).toMatchObject({ status: 204 });
    expect([made(), letters()]).toEqual([1, []]);
  });

  test("what can never succeed goes to the dead letters, and the rest is done", async () => {
    const late = eventIn("event-grid-event", { eventTime: "2020-01-01T00:00:00Z" });
    expect(await ask([late, eventIn("event-grid-event")])).toMatchObject({ status: 204 });
    expect([made(), letters()]).toEqual([1, ["RESOURCE_CONFLICT"]]);
  });

  test.each([
    ["what may succeed later", eventIn("cloud-event"), "RATE_LIMIT_EXCEEDED"],
    ["a dead letter that is not taken", eventIn("cloud-event", { time: "2020-01-01T00:00:00Z" }), "ACCESS_DENIED"],
  ])("%s is answered so that Event Grid comes again", async (_, body, code) => {
    const { azure, identity } = stack();
    azure.unassign(identity, "Azure Service Bus Data Sender");
    azure.faults.add({
      service: "arm",
      fault: { kind: "throttle", retryAfterSeconds: 30 },
      times: Number.POSITIVE_INFINITY,
    });
    expect(await ask(body)).toMatchObject({ status: 503, json: { code } });
    expect(letters()).toEqual([]);
  });

  test.each<[string, unknown, Record<string, string>, number]>([
    ["from nobody", eventIn("cloud-event"), {}, 401],
    ["from who has another role", eventIn("cloud-event"), principalHeaders(), 403],
    [
      "of another topic",
      [eventIn("event-grid-event"), eventIn("event-grid-event", { topic: "/subscriptions/y" })],
      withRole(role),
      403,
    ],
    ["of no topic", [eventIn("event-grid-event", { topic: undefined })], withRole(role), 403],
    ["that is no event", { operation: "setupRepository" }, withRole(role), 403],
    ["without events", [], withRole(role), 400],
    ["that is no JSON", "{", withRole(role), 400],
    ["that is too large", { specversion: "1.0", data: "x".repeat(70_000) }, withRole(role), 413],
  ])("%s is refused, and changes nothing", async (_, body, headers, status) => {
    const answer = await ask(body, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers["x-request-id"]).toBe(answer.json.requestId);
    expect([made(), letters()]).toEqual([0, []]);
  });
});
