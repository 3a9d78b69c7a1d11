import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Colours a text if the stream is a terminal with colours, or if FORCE_COLOR is set; never with NO_COLOR. */
export function paint(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return styleText(format, text, { stream });
}

/** Takes the characters that control a terminal out of a text from elsewhere. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to take out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

/** Writes JSON on one line. All characters that control a terminal are escaped, also those that JSON leaves alone. */
export function jsonLine(value: object): string {
  const text = JSON.stringify(value);
  return `${text.replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)}\n`;
}

/** Does the same as `printable` to every text in an answer. */
export function printableAnswer<T>(answer: T): T {
  return JSON.parse(JSON.stringify(answer), (_, value) => (typeof value === "string" ? printable(value) : value));
}
