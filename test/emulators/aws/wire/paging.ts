import { AwsError } from "./errors.ts";
import type { Input } from "./input.ts";

/** One page, by `maxResults` and `nextToken`. @throws InvalidParameterException */
export function paged<T>(
  input: Input,
  all: readonly T[],
  size: number,
  most: number,
): { items: readonly T[]; nextToken?: string } {
  const limit = input.optionalNumber("maxResults") ?? size;
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw new AwsError("InvalidParameterException", `maxResults must lie between 1 and ${most}`);
  }
  const token = input.optionalText("nextToken");
  const from =
    token === undefined
      ? 0
      : Number(
          Buffer.from(token, "base64url")
            .toString()
            .replace(/^from:/, ""),
        );
  if (!Number.isInteger(from)) throw new AwsError("InvalidParameterException", "Invalid parameter at 'nextToken'");
  const next = from + limit;
  return {
    items: all.slice(from, next),
    ...(next < all.length ? { nextToken: Buffer.from(`from:${next}`).toString("base64url") } : {}),
  };
}
