import { isDeepStrictEqual } from "node:util";
import type { Answer } from "./http.ts";

const SHOWN = 120;

/** Throws unless it holds. */
export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  check(isDeepStrictEqual(actual, expected), `${what}: ${show(actual)}, not ${show(expected)}`);
}

export function status(answer: Answer, ...expected: number[]): void {
  const said = answer.body.length > 0 && answer.status >= 400 ? ` ${show(answer.body.toString())}` : "";
  check(
    expected.includes(answer.status),
    `${answer.method} was answered ${answer.status}, not ${expected.join(" or ")}${said}`,
  );
}

export function header(answer: Answer, name: string, expected: string | number | RegExp): void {
  const value = answer.headers[name.toLowerCase()];
  const holds = expected instanceof RegExp ? expected.test(String(value ?? "")) : value === String(expected);
  check(holds, `${name} of the ${answer.method} is ${show(value)}, not ${expected}`);
}

export function noHeader(answer: Answer, name: string): void {
  const value = answer.headers[name.toLowerCase()];
  check(value === undefined, `${name} is there: ${show(value)}`);
}

/** The body is these bytes, each of them. */
export function bytes(answer: Answer, expected: Buffer): void {
  const { body } = answer;
  check(body.length === expected.length, `the body has ${body.length} bytes, not ${expected.length}`);
  check(body.equals(expected), "the body has other bytes than were pushed");
}

/** The media type of an answer, without parameters. */
export function mediaType(answer: Answer, expected: string): void {
  const type = answer.headers["content-type"]?.split(";")[0]?.trim();
  check(type === expected, `Content-Type is ${show(answer.headers["content-type"])}, not ${expected}`);
}

export function json<T = Record<string, unknown>>({ body }: Answer): T {
  try {
    return JSON.parse(body.toString()) as T;
  } catch {
    throw new Error(`the body is not JSON: ${show(body.toString())}`);
  }
}

/** The specification's error document, with one of these codes where any are named. */
export function errorDocument(answer: Answer, ...codes: string[]): void {
  mediaType(answer, "application/json");
  const { errors } = json<{ errors?: { code?: unknown; message?: unknown }[] }>(answer);
  check(Array.isArray(errors) && errors.length > 0, `there are no errors in ${show(answer.body.toString())}`);
  for (const { code, message } of errors) {
    check(typeof code === "string" && /^[A-Z_]+$/.test(code), `the code is ${show(code)}`);
    check(message === undefined || typeof message === "string", `the message is ${show(message)}`);
  }
  const said = errors.map(({ code }) => code);
  const expected = codes.length === 0 || said.some((code) => codes.includes(String(code)));
  check(expected, `the code is ${said.join(", ")}, not ${codes.join(" or ")}`);
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text === undefined) return "absent";
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
