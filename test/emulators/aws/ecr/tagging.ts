import type { Call } from "../call.ts";
import { requestTagKeys } from "../identity/authorization.ts";
import { readTags, writeTags } from "../wire/tags.ts";
import { authorizeName } from "./authorize.ts";
import { type Repository, requireRepository } from "./state.ts";

export async function tagResource(call: Call): Promise<object> {
  const tags = readTags(call.input);
  const repository = await byArn(call, requestTagKeys(tags));
  if (new Set([...repository.tags.keys(), ...tags.keys()]).size > 50) {
    throw call.error("TooManyTagsException", "A resource has at most 50 tags.");
  }
  for (const [key, value] of tags) repository.tags.set(key, value);
  return {};
}

export async function untagResource(call: Call): Promise<object> {
  const keys = call.input.texts("tagKeys");
  const repository = await byArn(call, { "aws:TagKeys": [...keys] });
  for (const key of keys) repository.tags.delete(key);
  return {};
}

export async function listTagsForResource(call: Call): Promise<object> {
  return { tags: writeTags((await byArn(call)).tags) };
}

async function byArn(call: Call, context: Readonly<Record<string, string | string[]>> = {}): Promise<Repository> {
  const arn = call.input.text("resourceArn");
  const [, region, account, name] = /^arn:[^:]+:ecr:([^:]+):(\d{12}):repository\/(.+)$/.exec(arn) ?? [];
  if (region === undefined || account === undefined || name === undefined || region !== call.region) {
    throw call.input.invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'");
  }
  const registry = call.world.registry(account, region);
  await authorizeName(call, registry, name, call.record.action, context);
  return requireRepository(registry, name);
}
