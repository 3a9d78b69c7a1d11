/** A JSON object whose members are not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

// ECMA-262, "JSON.parse source text access": in Node since 21, not yet in TypeScript's library.
interface SourceAwareJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}
const sourceAware = JSON as unknown as SourceAwareJson;

/** A number kept in its own spelling is an object to JavaScript, but not to JSON. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !sourceAware.isRawJSON(value);
}

/**
 * Parses JSON so that `JSON.stringify` gives every value back as it was written, also numbers that a double cannot
 * hold: what others wrote into a document is not ours to round.
 */
export function parseFaithfully(text: string): unknown {
  return sourceAware.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? sourceAware.rawJSON(source) : value,
  );
}
