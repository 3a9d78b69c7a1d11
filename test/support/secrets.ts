import { Secret } from "../../core/secret.ts";

/** Every form of every secret that was revealed in this process. */
const forms = new Set<string>();
const seen = new Set<string>();
const logs: unknown[][] = [];

const { reveal } = Secret.prototype;
Secret.prototype.reveal = function (this: Secret) {
  const value = reveal.call(this);
  // A shorter one could be a part of anything.
  if (value.length >= 12 && !seen.has(value)) {
    seen.add(value);
    for (const form of formsOf(value)) forms.add(form);
  }
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
  return [...forms].find((form) => text.includes(form));
}

/** @returns the first line of a watched log that holds a secret */
export function findLeak(): string | undefined {
  const lines = logs.flat().map((line) => JSON.stringify(line));
  // Hardly ever is there one: so all lines are looked through at once, and one by one only if it is so.
  if (findSecret(lines.join("\n")) === undefined) return undefined;
  return lines.find((line) => findSecret(line) !== undefined);
}

/** Where test files share a process, each looks through its own logs, for its own secrets. */
export function forgetLeaks(): void {
  for (const each of [forms, seen]) each.clear();
  logs.length = 0;
}
