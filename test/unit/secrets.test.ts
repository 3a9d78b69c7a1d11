import { expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { findSecret } from "../support/secrets.ts";

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
