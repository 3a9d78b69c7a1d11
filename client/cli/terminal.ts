import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Colours only where the stream is a terminal that has them, or FORCE_COLOR says so; never with NO_COLOR. */
export function paint(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return styleText(format, text, { stream });
}

/** Text from elsewhere, without the characters that command a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

/** JSON on a line of its own; what would command a terminal is escaped, also where JSON would not. */
export function jsonLine(value: object): string {
  const text = JSON.stringify(value);
  return `${text.replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)}\n`;
}

/** The same of every text in an answer. */
export function printableAnswer<T>(answer: T): T {
  return JSON.parse(JSON.stringify(answer), (_, value) => (typeof value === "string" ? printable(value) : value));
}
