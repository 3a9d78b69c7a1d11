import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeMessage, toCloudEvent, toDeadLetter } from "../../../functions/azure/doors/events.ts";
import { eventIn, goldenTopic } from "./golden.ts";

/** As the JSON that it becomes, on the way: without -0 and the like. */
const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const attributes = fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.string());
const event = fc
  .record({ more: attributes, data: fc.dictionary(fc.string(), fc.jsonValue()) })
  .map(({ more, data }) => overTheWire({ ...more, specversion: "1.0", data }) as Record<string, unknown>);

test("a message says the same in binary mode, by either prefix, and as a whole", () => {
  fc.assert(
    fc.property(event, fc.constantFrom("cloudEvents:", "cloudEvents_"), (whole, prefix) => {
      const { data, datacontenttype, ...rest } = whole;
      const properties = Object.fromEntries(Object.entries(rest).map(([name, value]) => [`${prefix}${name}`, value]));
      const contentType = datacontenttype === "" ? undefined : datacontenttype;
      const binary = decodeMessage(data, {
        applicationProperties: { ...properties, "aeg-event-type": "x" },
        contentType,
      });
      expect(binary).toEqual({ ...rest, ...(contentType !== undefined && { datacontenttype: contentType }), data });
      expect(decodeMessage(whole, { applicationProperties: { own: "1" } })).toEqual(whole);
      expect(decodeMessage(Buffer.from(JSON.stringify(whole)), {})).toEqual(whole);
    }),
  );
});

test("a letter holds all of what it is for", () => {
  fc.assert(
    fc.property(fc.jsonValue().map(overTheWire), (value) => {
      const { body } = toDeadLetter(value);
      expect(typeof value === "string" ? body : JSON.parse(String(body))).toEqual(value);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toDeadLetter(Buffer.from(bytes)).body).toEqual(bytes);
    }),
  );
});

test("an event in Event Grid's schema is the CloudEvent that it stands for", () => {
  const stands = { specversion: "1.0", source: goldenTopic, subject: "projects/acme" };
  const time = "2026-05-06T07:00:00.0000000Z";
  const { id, type, data } = eventIn("cloud-event");
  expect(toCloudEvent(eventIn("event-grid-event"))).toEqual({ ...stands, id, type, data, time });
  // Without its topic, which Event Grid adds, its subject tells where it is from.
  expect(toCloudEvent(eventIn("event-grid-event", { topic: undefined }))).toMatchObject({ source: "projects/acme" });
  expect(toCloudEvent(eventIn("event-grid-event", { topic: "", subject: "" }))).toMatchObject({ source: "eventgrid" });
});

test("what is neither is left as it is", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(toCloudEvent(value)).toBe(value);
    }),
  );
  // One that says that it is a CloudEvent is one, whatever else it holds.
  const both = { ...eventIn("event-grid-event"), ...eventIn("cloud-event") };
  expect(toCloudEvent(both)).toBe(both);
});
