import { createHash } from "node:crypto";
import { byCodeUnit } from "../grants/order.ts";
import { parsePolicy } from "./document.ts";
import { isJsonObject } from "./json.ts";

/**
 * A hash of what a policy means, in hexadecimal: two texts share it when they differ only in white space, in the order of
 * members, values or statements, or in one value being written as a list. AWS gives a policy back in a form of its own,
 * so bytes cannot tell whether it was changed.
 *
 * @param text undefined for no policy, which has a hash too
 * @throws UNEXPECTED_RESPONSE_FORMAT for what is not a policy
 */
export function policyHash(text: string | undefined): string {
  const meaning = text === undefined ? "" : canonical(parsePolicy(text).envelope);
  return createHash("sha256").update(meaning).digest("hex");
}

/** Every list in a policy is a set, and one value is a list of one. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const items = [...new Set(value.map(canonical))].sort(byCodeUnit);
    const [first, ...more] = items;
    return first !== undefined && more.length === 0 ? first : `[${items.join()}]`;
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([member, held]) => `${JSON.stringify(member)}:${canonical(held)}`);
  return `{${members.sort(byCodeUnit).join()}}`;
}
