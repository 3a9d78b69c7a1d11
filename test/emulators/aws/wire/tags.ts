import { AwsError } from "./errors.ts";
import type { Input } from "./input.ts";

/** Reads a list of tags, `{Key, Value}`; IAM spells it `Tags`. @throws the service's error of a tag, or of too many */
export function readTags(input: Input, field: "tags" | "Tags" = "tags"): Map<string, string> {
  const tags = new Map<string, string>();
  for (const tag of input.records(field)) {
    const key = tag.text("Key");
    const value = tag.optionalText("Value") ?? "";
    if (
      key.length < 1 ||
      key.length > 128 ||
      value.length > 256 ||
      /^aws:/i.test(key) ||
      /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u.test(key + value)
    ) {
      throw new AwsError(field === "Tags" ? "InvalidInput" : "InvalidTagParameterException", `Invalid tag: ${key}`);
    }
    tags.set(key, value);
  }
  if (tags.size > 50) {
    throw new AwsError(field === "Tags" ? "LimitExceeded" : "TooManyTagsException", "A resource has at most 50 tags.");
  }
  return tags;
}

export function writeTags(tags: ReadonlyMap<string, string>): { Key: string; Value: string }[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}
