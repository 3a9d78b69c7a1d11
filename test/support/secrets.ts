import { afterAll, expect } from "vitest";
import { Secret } from "../../core/secret.ts";

/**
 * Set up before every test file. It knows every secret that was revealed in this process, and after the file's tests no line
 * that a watched log took may hold one: as it is, in base64, or URL-encoded.
 */
const secrets = new Set<string>();
const logs: unknown[][] = [];

const { reveal } = Secret.prototype;
Secret.prototype.reveal = function (this: Secret) {
  const value = reveal.call(this);
  // A shorter one could be a part of anything.
  if (value.length >= 12) secrets.add(value);
  return value;
};

/** An array for the lines of a log, which is looked through when all tests of the file are over. */
export function watchedLog<Line>(): Line[] {
  const lines: Line[] = [];
  logs.push(lines);
  return lines;
}

/** The forms in which a secret would be as good as itself. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // In base64 of a longer text the same bytes look like one of three, according to where they begin.
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    return text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + bytes.length) * 4) / 3) - 1);
  });
  const safe = shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), ...shifted, ...safe])];
}

/** @returns the form of a secret that the text holds */
export function findSecret(text: string): string | undefined {
  return [...secrets].flatMap(formsOf).find((form) => text.includes(form));
}

afterAll(() => {
  for (const line of logs.flat()) {
    const text = JSON.stringify(line);
    expect(findSecret(text), `a secret in the log: ${text}`).toBeUndefined();
  }
});
