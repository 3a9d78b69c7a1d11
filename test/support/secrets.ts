import { Secret } from "../../core/secret.ts";

/** Every secret that was revealed in this process. */
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

/** @returns the first line of a watched log that holds a secret */
export function findLeak(): string | undefined {
  return logs
    .flat()
    .map((line) => JSON.stringify(line))
    .find((text) => findSecret(text) !== undefined);
}
