/** JSON that others wrote. No error here repeats a part of it, since it may hold secrets. */

/** Parses JSON, also behind the mark that editors on Windows write first. @returns undefined for a text that is not JSON */
export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}

/** Parses a JSON object. @returns undefined for any other text, also where there is none */
export function tryParseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  const value = tryParseJson(text ?? "");
  return isObject(value) ? value : undefined;
}

/** Tells a JSON object from null, lists and everything else. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Leaves out the fields that are undefined, as JSON does. */
export function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
