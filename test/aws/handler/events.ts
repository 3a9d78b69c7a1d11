import { readFileSync } from "node:fs";

/** The golden event files: each shape as AWS sends it. */
export const eventNames = [
  "function-url-iam",
  "function-url-public",
  "http-api",
  "direct",
  "eventbridge-setup",
  "eventbridge-cloudevent",
  "sqs-batch",
  "replication",
] as const;

export type EventName = (typeof eventNames)[number];

type Json = Record<string, unknown>;

/** An event as it came, with some of it changed: an object is merged, anything else replaced. */
export function eventOf(name: EventName, changes: Json = {}): Json {
  const event: Json = JSON.parse(readFileSync(new URL(`events/${name}.json`, import.meta.url), "utf8"));
  return merge(event, changes);
}

/** An HTTP event for an operation. */
export function httpEventOf(
  name: "function-url-iam" | "function-url-public" | "http-api",
  operation: string,
  input: object,
  changes: Json = {},
): Json {
  const body = JSON.stringify({ registry: "images", ...input });
  const front = name === "http-api" ? "/prod" : "";
  return eventOf(name, { rawPath: `${front}/v1/${operation}`, body, isBase64Encoded: false, ...changes });
}

function merge(base: Json, changes: Json): Json {
  const merged = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const before = merged[key];
    merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
