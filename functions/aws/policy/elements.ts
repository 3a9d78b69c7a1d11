import { isJsonObject, type JsonObject } from "./json.ts";

/** IAM writes one string or a list of them. @returns undefined for anything else, the empty list included */
export function texts(value: unknown): readonly string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((item) => typeof item === "string") ? list : undefined;
}

/** Whether an object has these members and no other. */
export function hasExactly(object: JsonObject, ...members: readonly string[]): boolean {
  const keys = Object.keys(object);
  return keys.length === members.length && members.every((member) => Object.hasOwn(object, member));
}

/**
 * A `Condition` on one key only, as operator (in lower case) to values. Operators and keys are the same in upper and
 * lower case (IAM user guide, "IAM JSON policy elements: Condition").
 *
 * @returns undefined if another key, a doubled operator or a value that is no string occurs
 */
export function conditionsOn(key: string, condition: unknown): ReadonlyMap<string, readonly string[]> | undefined {
  if (!isJsonObject(condition)) return undefined;
  const operators = new Map<string, readonly string[]>();
  for (const [operator, keys] of Object.entries(condition)) {
    const [only, ...more] = isJsonObject(keys) ? Object.entries(keys) : [];
    if (only === undefined || more.length > 0 || only[0].toLowerCase() !== key.toLowerCase()) return undefined;
    const values = texts(only[1]);
    if (values === undefined || operators.has(operator.toLowerCase())) return undefined;
    operators.set(operator.toLowerCase(), values);
  }
  return operators;
}
