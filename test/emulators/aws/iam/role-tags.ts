import type { Call } from "../call.ts";
import { requestTagKeys } from "../identity/authorization.ts";
import { readTags, writeTags } from "../wire/tags.ts";
import { authorizedRole } from "./role.ts";

export async function tagRole(call: Call): Promise<object> {
  const tags = readTags(call.input, "Tags");
  const role = await authorizedRole(call, requestTagKeys(tags));
  if (new Set([...role.tags.keys(), ...tags.keys()]).size > 50) {
    throw call.error("LimitExceeded", "The number of tags has reached the maximum limit.", 409);
  }
  for (const [key, value] of tags) role.tags.set(key, value);
  return {};
}

export async function untagRole(call: Call): Promise<object> {
  const keys = call.input.texts("TagKeys");
  const role = await authorizedRole(call, { "aws:TagKeys": [...keys] });
  for (const key of keys) role.tags.delete(key);
  return {};
}

export async function listRoleTags(call: Call): Promise<object> {
  const role = await authorizedRole(call);
  return { Tags: writeTags(role.tags), IsTruncated: false };
}
