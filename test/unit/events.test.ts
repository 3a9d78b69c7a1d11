import { describe, expect, test } from "vitest";
import { localDoor, oidcDoor, platformDoor, trustedDoor } from "../../core/doors.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { handleEvent, setupEventType } from "../../core/events.ts";
import { createSuite, now, type SuiteOptions } from "../support/application.ts";
import { allowAll, awsAccess } from "../support/inputs.ts";

const at = (offsetMs: number) => new Date(now.getTime() + offsetMs).toISOString();
const hour = 3_600_000;
const event = {
  specversion: "1.0",
  id: "event-1",
  source: "/projects",
  type: setupEventType,
  time: at(-1_000),
  data: { registry: "images", name: "my-app", access: [awsAccess] },
};

function setUp(options: SuiteOptions = {}) {
  const suite = createSuite({ door: trustedDoor("events"), ...options });
  return { ...suite, handle: (value: unknown) => handleEvent(suite.application, value, { requestId: "req-1" }) };
}

test("a set-up event sets up, as the events door's caller", async () => {
  const { handle, registry, audit } = setUp();
  expect(await handle(event)).toEqual({ outcome: "done" });
  expect(registry.recorded.map(({ method, repository }) => [method, repository])).toEqual([
    ["createRepository", "images/my-app"],
    ["add", "images/my-app"],
  ]);
  expect(audit).toMatchObject([
    {
      requestId: "req-1",
      door: "events",
      caller: { issuer: "door", subject: "events" },
      operation: "setupRepository",
      outcome: "OK",
    },
  ]);
});

test("a redelivery is handled again, to the same end", async () => {
  const { handle, registry } = setUp();
  for (let delivery = 0; delivery < 3; delivery++) expect(await handle(event)).toEqual({ outcome: "done" });
  const calls = registry.recorded.map(({ method, repository, detail }) => JSON.stringify([method, repository, detail]));
  expect(new Set(calls).size).toBe(2);
});

test("the adapter learns of which moment the event speaks", async () => {
  const { handle, registry } = setUp();
  for (const time of ["2026-05-06T09:00:00.5+02:00", "2026-05-06T07:00:00Z"]) await handle({ ...event, time });
  const [exact, cut] = [
    { at: new Date("2026-05-06T07:00:00.500Z"), isCut: false },
    { at: new Date("2026-05-06T07:00:00Z"), isCut: true },
  ];
  expect(registry.recorded.map(({ call }) => call.asOf)).toEqual([exact, exact, cut, cut]);
});

describe("the age rule", () => {
  test.each([
    ["one hour old, to the millisecond", -hour],
    ["just now", 0],
    ["five minutes ahead, as clocks differ", 5 * 60_000],
  ])("%s: handled", async (_title, offset) => {
    expect(await setUp().handle({ ...event, time: at(offset) })).toEqual({ outcome: "done" });
  });

  test.each([
    ["one hour and a millisecond old", -hour - 1, "RESOURCE_CONFLICT"],
    ["a day old", -24 * hour, "RESOURCE_CONFLICT"],
    ["five minutes and a millisecond ahead", 5 * 60_000 + 1, "INVALID_INPUT"],
    ["a year ahead", 365 * 24 * hour, "INVALID_INPUT"],
  ])("%s: changes nothing and goes to the dead letters", async (_title, offset, code) => {
    const { handle, registry, audit } = setUp();
    expect(await handle({ ...event, time: at(offset) })).toMatchObject({
      outcome: "dead-letter",
      error: { code, retryable: false, context: { field: "time" } },
    });
    expect([registry.recorded, audit]).toEqual([[], []]);
  });
});

describe("what CloudEvents allow passes", () => {
  test.each<[string, object]>([
    ["extension attributes", { traceparent: "00-0af7-b7ad-01", partitionkey: "7", sequence: 3, dataref: null }],
    ["subject and dataschema", { subject: "my-app", dataschema: "https://example.com/schema" }],
    ["datacontenttype", { datacontenttype: "application/json" }],
    ["datacontenttype with a parameter", { datacontenttype: "application/json; charset=utf-8" }],
    ["a time with an offset", { time: "2026-05-06T12:08:09+05:00" }],
    ["a time in lower case", { time: "2026-05-06t07:08:09z" }],
    ["a time in nanoseconds", { time: "2026-05-06T07:08:09.123456789Z" }],
    ["data without access", { data: { registry: "images", name: "my-app" } }],
  ])("%s", async (_title, part) => {
    expect(await setUp().handle({ ...event, ...part })).toEqual({ outcome: "done" });
  });
});

describe("what can never succeed goes to the dead letters with its reason", () => {
  const data = event.data;
  test.each<[string, unknown, string, string | undefined]>([
    ["nothing", undefined, "INVALID_INPUT", undefined],
    ["null", null, "INVALID_INPUT", undefined],
    ["a string", JSON.stringify(event), "INVALID_INPUT", undefined],
    ["a list of events", [event], "INVALID_INPUT", "specversion"],
    ["another specversion", { ...event, specversion: "0.3" }, "INVALID_INPUT", "specversion"],
    ["no id", { ...event, id: undefined }, "INVALID_INPUT", "id"],
    ["an empty id", { ...event, id: "" }, "INVALID_INPUT", "id"],
    ["no source", { ...event, source: undefined }, "INVALID_INPUT", "source"],
    ["another type", { ...event, type: `${setupEventType}.v2` }, "INVALID_INPUT", "type"],
    ["the type of an operation", { ...event, type: "deleteRepository" }, "INVALID_INPUT", "type"],
    ["no time", { ...event, time: undefined }, "INVALID_INPUT", "time"],
    ["a time without a zone", { ...event, time: "2026-05-06T07:08:09" }, "INVALID_INPUT", "time"],
    ["a date", { ...event, time: "2026-05-06" }, "INVALID_INPUT", "time"],
    ["a number for a time", { ...event, time: now.getTime() }, "INVALID_INPUT", "time"],
    ["hour 25", { ...event, time: "2026-05-06T25:08:09Z" }, "INVALID_INPUT", "time"],
    ["words", { ...event, time: "now" }, "INVALID_INPUT", "time"],
    ["XML", { ...event, datacontenttype: "text/xml" }, "INVALID_INPUT", "datacontenttype"],
    ["JSON's cousin", { ...event, datacontenttype: "application/json-seq" }, "INVALID_INPUT", "datacontenttype"],
    ["no data", { ...event, data: undefined }, "INVALID_INPUT", "data"],
    ["data as text", { ...event, data: JSON.stringify(data) }, "INVALID_INPUT", "data"],
    ["data as base64", { ...event, data: undefined, data_base64: "e30=" }, "INVALID_INPUT", "data"],
    ["data with an unknown field", { ...event, data: { ...data, x: 1 } }, "INVALID_INPUT", "x"],
    [
      "data with a field named constructor",
      { ...event, data: { ...data, constructor: 1 } },
      "INVALID_INPUT",
      "constructor",
    ],
    [
      "data that names its operation",
      { ...event, data: { ...data, operation: "deleteRepository" } },
      "INVALID_INPUT",
      "operation",
    ],
    ["data with a hostile name", { ...event, data: { ...data, name: "../x" } }, "INVALID_INPUT", "name"],
    [
      "data with a wildcard grant",
      { ...event, data: { ...data, access: [{ ...awsAccess, accountIds: ["*"] }] } },
      "INVALID_INPUT",
      "access.0.accountIds.0",
    ],
    ["an unbound registry", { ...event, data: { ...data, registry: "other" } }, "BINDING_NOT_CONFIGURED", undefined],
    ["too large", { ...event, padding: "x".repeat(70_000) }, "PAYLOAD_TOO_LARGE", undefined],
  ])("%s", async (_title, value, code, field) => {
    const { handle, registry } = setUp();
    const result = await handle(value);
    expect(result).toMatchObject({ outcome: "dead-letter", error: { code, message: expect.stringMatching(/\S/) } });
    expect("error" in result && result.error.context?.field).toBe(field);
    expect(registry.recorded).toEqual([]);
  });

  test("a caller without a rule", async () => {
    const { handle, registry } = setUp({ rules: [allowAll("aws")] });
    expect(await handle(event)).toMatchObject({ outcome: "dead-letter", error: { code: "ACCESS_DENIED" } });
    expect(registry.recorded).toEqual([]);
  });

  test("a grantee without a rule: nothing is created either", async () => {
    const { handle, registry } = setUp({ rules: [{ ...allowAll("door"), grantees: ["aws:999999999999"] }] });
    expect(await handle(event)).toMatchObject({ outcome: "dead-letter", error: { code: "ACCESS_DENIED" } });
    expect(registry.recorded).toEqual([]);
  });

  test.each([
    platformDoor(),
    oidcDoor(async () => ({ issuer: "x", subject: "x" })),
    trustedDoor("invoke"),
    trustedDoor("provision"),
    localDoor("t"),
  ])("any event at the $name door", async (door) => {
    const { handle, registry } = setUp({ door });
    expect(await handle(event)).toMatchObject({ outcome: "dead-letter", error: { code: "AUTHENTICATION_ERROR" } });
    expect(registry.recorded).toEqual([]);
  });
});

describe("what the platform answers", () => {
  test.each<[string, unknown, "retry" | "dead-letter", string]>([
    [
      "busy",
      new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", { retryable: true }),
      "retry",
      "SERVICE_UNAVAILABLE",
    ],
    [
      "a conflict that passes",
      new ArtifactRegistryError("RESOURCE_CONFLICT", "lease", { retryable: true }),
      "retry",
      "RESOURCE_CONFLICT",
    ],
    ["a refusal", new ArtifactRegistryError("ACCESS_DENIED", "no"), "dead-letter", "ACCESS_DENIED"],
    ["a quota", new ArtifactRegistryError("QUOTA_EXCEEDED", "full"), "dead-letter", "QUOTA_EXCEEDED"],
    ["what nobody expected", new Error("canary"), "dead-letter", "INTERNAL_ERROR"],
  ])("%s", async (_title, thrown, outcome, code) => {
    const { handle } = setUp({
      fake: {
        upstream: () => {
          throw thrown;
        },
      },
    });
    const result = await handle(event);
    expect(result).toMatchObject({ outcome, error: { code } });
    expect("error" in result && JSON.stringify(result.error.toWire("r"))).not.toContain("canary");
  });

  test("nothing in time: to be retried", async () => {
    const { handle } = setUp({ operationTimeoutMs: 20, fake: { upstream: () => new Promise<void>(() => {}) } });
    expect(await handle(event)).toMatchObject({ outcome: "retry", error: { code: "TIMEOUT" } });
  });

  test("a fault in the middle, and the redelivery finishes", async () => {
    let busy = true;
    const { handle, registry } = setUp({
      retry: { attempts: 1, baseMs: 1, capMs: 1 },
      fake: {
        upstream: (method) => {
          if (method === "add" && busy)
            throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", { retryable: true });
        },
      },
    });
    expect(await handle(event)).toMatchObject({ outcome: "retry" });
    busy = false;
    expect(await handle(event)).toEqual({ outcome: "done" });
    expect(registry.recorded.map(({ method }) => method)).toEqual([
      "createRepository",
      "add",
      "createRepository",
      "add",
    ]);
  });
});
