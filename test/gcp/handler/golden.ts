import { readFileSync } from "node:fs";

/** The golden files: each shape as the platform sends it. */
export type GoldenName =
  | "platform"
  | "platform-serverless"
  | "public"
  | "direct"
  | "event-structured"
  | "event-binary"
  | "pubsub-structured"
  | "pubsub-binary"
  | "pubsub-plain"
  | "push-structured"
  | "push-binary";

export const eventNames = ["event-structured", "event-binary"] as const satisfies readonly GoldenName[];
/** Messages as Eventarc hands them on, and as Pub/Sub pushes them by itself. */
export const messageNames = [
  "pubsub-structured",
  "pubsub-binary",
  "pubsub-plain",
  "push-structured",
  "push-binary",
] as const satisfies readonly GoldenName[];

/** A request as it reaches the function. */
export interface Golden {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: unknown;
}

/** What is changed of a golden request: headers one by one (undefined leaves one out), anything else as a whole. */
export interface Changes {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: unknown;
}

/** A request as it came, with some of it changed. Where a golden file has no token of its own, this one is put in. */
export function goldenOf(name: GoldenName, changes: Changes = {}, token = verifiedToken()): Golden {
  const golden: Golden = JSON.parse(read(name).replace("{{the token, its signature removed}}", token));
  const headers = Object.entries({ ...golden.headers, ...changes.headers }).filter(([, value]) => value !== undefined);
  return { ...golden, ...changes, headers: Object.fromEntries(headers) as Golden["headers"] };
}

/** The ID token of the golden pipeline as the platform hands it on, with some of its claims changed. */
export function verifiedToken(changes: object = {}, signature = "SIGNATURE_REMOVED_BY_GOOGLE"): string {
  const { header, claims } = JSON.parse(read("id-token"));
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part({ ...claims, ...changes })}.${signature}`;
}

/** The message of a golden request, with data and attributes of one's own. */
export function messageOf(
  data: string,
  attributes: Readonly<Record<string, string>> = {},
  name: (typeof messageNames)[number] = "pubsub-plain",
): Golden {
  const golden = goldenOf(name);
  const { message, ...rest } = golden.body as { message: object };
  return {
    ...golden,
    body: { ...rest, message: { ...message, data: Buffer.from(data).toString("base64"), attributes } },
  };
}

/** The event that the golden files are about, with some of its attributes changed. */
export function setupEvent(changes: object = {}): Record<string, unknown> {
  return { ...(goldenOf("event-structured").body as object), ...changes };
}

function read(name: string): string {
  return readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8");
}
