import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyLimit, checkPayload, parseJson, readJson } from "../../core/json.ts";
import { operations } from "../../core/operations.ts";
import { errorOf, refusalOf } from "../support/inputs.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const body = (...chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
/** A JSON string of exactly so many bytes, quotes included. */
const sized = (size: number) => `"${"x".repeat(size - 2)}"`;
const arrays = (depth: number, inside = "") => "[".repeat(depth) + inside + "]".repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("size", () => {
  test("64 KiB pass, one byte more does not", async () => {
    expect(bodyLimit).toBe(65_536);
    expect(await readJson(body(bytes(sized(bodyLimit))))).toHaveLength(bodyLimit - 2);
    expect(await errorOf(() => readJson(body(bytes(sized(bodyLimit + 1)))))).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      httpStatusCode: 413,
      retryable: false,
    });
  });

  test("bytes count, not characters", async () => {
    const half = "é".repeat(bodyLimit / 2 - 1);
    expect(await readJson(body(bytes(`"${half}"`)))).toBe(half);
    expect((await errorOf(() => readJson(body(bytes(`"${half}é"`))))).code).toBe("PAYLOAD_TOO_LARGE");
  });

  test("the limit is the sum of the chunks", async () => {
    const text = sized(bodyLimit);
    const chunks = [text.slice(0, 1), text.slice(1, 40_000), text.slice(40_000)].map(bytes);
    expect(await readJson(body(...chunks))).toHaveLength(bodyLimit - 2);
    expect((await errorOf(() => readJson(body(...chunks, bytes(" "))))).code).toBe("PAYLOAD_TOO_LARGE");
  });

  test("an endless body is not read much past the limit, and is cancelled", async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1_024;
        controller.enqueue(new Uint8Array(1_024).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect((await errorOf(() => readJson(endless))).code).toBe("PAYLOAD_TOO_LARGE");
    expect(sent).toBeLessThanOrEqual(bodyLimit + 4_096);
    expect(cancelled).toBe(true);
  });

  test("a payload that the platform has parsed has the same limit", () => {
    const payload = (size: number) => ({ operation: "x".repeat(size - '{"operation":""}'.length) });
    expect(checkPayload(payload(bodyLimit))).toBeDefined();
    expect(() => checkPayload(payload(bodyLimit + 1))).toThrow(expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }));
  });

  test("no payload at all is no crash", () => {
    expect(checkPayload(undefined)).toBeUndefined();
    expect(checkPayload(null)).toBeNull();
  });
});

describe("depth", () => {
  test.each([
    ["arrays", arrays(16)],
    ["arrays around a value", arrays(16, "1")],
    ["objects", objects(16)],
  ])("16 levels of %s pass", (_title, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(checkPayload(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  test.each([
    ["arrays", arrays(17)],
    ["arrays around a value", arrays(17, "1")],
    ["objects", objects(17)],
    ["arrays, as many as fit", arrays(30_000)],
    ["objects, in the last of many fields", `{${'"a":[1],'.repeat(1_000)}"b":${objects(16)}}`],
  ])("17 levels of %s do not", async (_title, text) => {
    expect(await errorOf(() => parseJson(text))).toMatchObject({
      code: "INVALID_INPUT",
      message: "The body is nested deeper than 16 levels.",
    });
    expect((await errorOf(() => checkPayload(JSON.parse(text)))).code).toBe("INVALID_INPUT");
  });

  test("a payload that contains itself is too deep", async () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect((await errorOf(() => checkPayload(circle))).code).toBe("INVALID_INPUT");
  });
});

describe("what is not JSON", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", bytes(""), /not JSON/],
    ["half an object", bytes('{"registry":'), /not JSON/],
    ["two values", bytes("{}{}"), /not JSON/],
    ["a comment", bytes("{/* */}"), /not JSON/],
    ["NaN", bytes("NaN"), /not JSON/],
    ["a form", bytes("registry=images"), /not JSON/],
    ["a byte that is no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), /not UTF-8/],
    ["half a character", Uint8Array.of(0x22, 0xc3, 0x22), /not UTF-8/],
    ["an overlong slash", Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), /not UTF-8/],
    ["a surrogate in UTF-8", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), /not UTF-8/],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00), /not UTF-8/],
  ])("%s is refused", async (_title, chunk, message) => {
    const error = await errorOf(() => readJson(body(chunk)));
    expect(error).toMatchObject({ code: "INVALID_INPUT", message: expect.stringMatching(message) });
  });

  test("no body is refused", async () => {
    expect((await errorOf(() => readJson(null))).code).toBe("INVALID_INPUT");
  });

  test("a character that is cut by a chunk's edge is whole again", async () => {
    const whole = bytes('"é🦊"');
    for (let cut = 1; cut < whole.length; cut++) {
      expect(await readJson(body(whole.subarray(0, cut), whole.subarray(cut)))).toBe("é🦊");
    }
  });

  test("the message does not repeat the body", async () => {
    const error = await errorOf(() => parseJson('{"password":"canary"'));
    expect(JSON.stringify(error.toWire("r"))).not.toContain("canary");
  });
});

describe("names that JavaScript knows", () => {
  test.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"])(
    "%s is a field like any other: unknown",
    async (name) => {
      const text = `{"registry":"images","name":"app","${name}":{"registry":"other"}}`;
      const input = parseJson(text);
      expect(Object.getPrototypeOf(input)).toBe(Object.prototype);
      expect(await refusalOf(() => operations.createRepository.parse(input))).toEqual({
        code: "INVALID_INPUT",
        field: name,
      });
    },
  );

  test("__proto__ does not stand in for a field that is missing", async () => {
    const input = parseJson('{"__proto__":{"registry":"images","name":"app"}}');
    expect((await errorOf(() => operations.createRepository.parse(input))).code).toBe("INVALID_INPUT");
  });
});

test("of a key that is there twice the last counts, as in ECMAScript", () => {
  expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
});

test("every JSON value that is small and flat enough comes through unchanged", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async (value) => {
      const text = JSON.stringify(value);
      fc.pre(text.length < 10_000);
      expect(await readJson(body(bytes(text)))).toEqual(JSON.parse(text));
    }),
  );
});
