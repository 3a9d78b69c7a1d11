import type { Call } from "../call.ts";
import { AwsError } from "./errors.ts";

/** How long a page's token is taken. AWS says only that it is opaque: nobody may rely on one for ever. */
const tokenMs = 24 * 60 * 60 * 1000;

/** What is listed. */
export interface Paged<T> {
  /** Sorted by `keyOf`. */
  readonly all: readonly T[];
  readonly keyOf: (item: T) => string;
  /** Of which list: a token of another one is refused. */
  readonly of: string;
}

/**
 * One page, by `maxResults` (1 to 1,000, else 100) and `nextToken` (botocore 1.44, MaxResults). A token says after which item the
 * list goes on, so that what comes and goes meanwhile moves nothing else. It is for this list in this region, and for a day.
 *
 * @throws InvalidParameterException
 */
export function paged<T>(call: Call, { all, keyOf, of }: Paged<T>): { items: readonly T[]; nextToken?: string } {
  const { input, record, region, world } = call;
  const limit = input.optionalNumber("maxResults") ?? 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AwsError("InvalidParameterException", "maxResults must lie between 1 and 1000");
  }
  const list = [record.action, region, call.registryId, of];
  const token = input.optionalText("nextToken");
  const after = token === undefined ? undefined : readToken(token, list, world.clock());
  const rest = after === undefined ? all : all.filter((item) => keyOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  if (last === undefined || items.length === rest.length) return { items };
  const endsAt = world.clock().getTime() + tokenMs;
  return { items, nextToken: Buffer.from(JSON.stringify([list, keyOf(last), endsAt])).toString("base64url") };
}

function readToken(token: string, list: readonly string[], now: Date): string {
  const refused = new AwsError(
    "InvalidParameterException",
    "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'",
  );
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    throw refused;
  }
  const [of, after, endsAt] = Array.isArray(read) ? read : [];
  if (JSON.stringify(of) !== JSON.stringify(list) || typeof after !== "string") throw refused;
  if (!(typeof endsAt === "number" && now.getTime() < endsAt)) throw refused;
  return after;
}

/** botocore 1.44: who names what is to be described gets no pages. @throws InvalidParameterException */
export function refusePages({ input }: Call, names: string): void {
  if (input.optionalNumber("maxResults") === undefined && input.optionalText("nextToken") === undefined) return;
  throw new AwsError("InvalidParameterException", `maxResults and nextToken cannot be used together with ${names}`);
}
