import { expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { findLeak, findSecret, watchedLog } from "../support/secrets.ts";

const secret = new Secret("pa/ss+word ä, of the tests").reveal();

test.each([
  ["as it is", `x ${secret} y`],
  ["in JSON", JSON.stringify({ a: secret })],
  ["URL-encoded", `https://h/?p=${encodeURIComponent(secret)}`],
  ...[0, 1, 2, 3, 4, 5].map((before): [string, string] => [
    `in base64, behind ${before} others`,
    `Basic ${Buffer.from(`${"u".repeat(before)}${secret}!`).toString("base64")}`,
  ]),
  ["in base64 for URLs", Buffer.from(`token:${secret}`).toString("base64url")],
])("a secret is found %s", (_title, text) => {
  expect(findSecret(text)).toBeDefined();
});

test("what is none is not found", () => {
  expect(findSecret("pa/ss+word, in base64 cGFzcw==, of nobody")).toBeUndefined();
});

test("a line that holds one is found, in whichever log it is", () => {
  const one = watchedLog<object>();
  const other = watchedLog<object>();
  one.push({ outcome: "OK" });
  expect(findLeak()).toBeUndefined();
  other.push({ hint: `Use ${secret}.` });
  expect(findLeak()).toContain("hint");
  // What was found is meant: it shall not end this file's own tests.
  other.length = 0;
});
