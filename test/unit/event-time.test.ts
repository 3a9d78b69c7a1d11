import { describe, expect, test } from "vitest";
import { eventTimeOf, refuseStale } from "../../core/event-time.ts";
import { errorOf } from "../support/inputs.ts";

test.each([
  ["2026-05-06T07:08:09Z", true],
  ["2026-05-06t07:08:09z", true],
  ["2026-05-06T09:08:09+02:00", true],
  ["2026-05-06T07:08:09.000Z", false],
  ["2026-05-06T07:08:09.5-07:00", false],
  ["2026-05-06T07:08:09.123456789Z", false],
])("%s is cut to the second: %s", (text, isCut) => {
  expect(eventTimeOf(text)).toEqual({ at: new Date(text), isCut });
});

describe("an event, beside the last revocation", () => {
  const revoked = new Date("2026-05-06T07:08:09.500Z");
  const before = "Access was revoked after the event was sent.";
  const unknown =
    "Access was revoked in the second in which the event was sent; its time does not tell which came first.";

  test.each([
    ["2026-05-06T07:08:08Z", before],
    ["2026-05-06T07:08:09Z", unknown],
    ["2026-05-06T07:08:09.499Z", before],
    ["2026-05-06T07:08:09.500Z", before],
    ["2026-05-06T07:08:09.000Z", before],
  ])("%s is refused: %s", async (text, message) => {
    const error = await errorOf(() => refuseStale(eventTimeOf(text), revoked));
    expect(error).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, message, context: { field: "time" } });
    if (message === unknown) expect(error.hint).toMatch(/Send it again .* milliseconds/);
  });

  test.each(["2026-05-06T07:08:10Z", "2026-05-06T07:08:09.501Z"])("%s is taken", (text) => {
    refuseStale(eventTimeOf(text), revoked);
  });

  test("a revocation on the full second ends the second before it, and leaves its own in doubt", async () => {
    const full = new Date("2026-05-06T07:08:09.000Z");
    expect((await errorOf(() => refuseStale(eventTimeOf("2026-05-06T07:08:08Z"), full))).message).toBe(before);
    expect((await errorOf(() => refuseStale(eventTimeOf("2026-05-06T07:08:09Z"), full))).message).toBe(unknown);
  });

  test("where nothing was revoked, nothing is refused", () => {
    refuseStale(eventTimeOf("2026-05-06T07:08:09Z"), undefined);
  });
});
