import type { Input } from "../wire/input.ts";

const PRIVATE = /^(?:[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\/)*[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** The repository's name. @throws InvalidParameterException */
export function repositoryName(input: Input, field = "repositoryName"): string {
  return legalName(input, input.text(field), field);
}

/** The name, where it is one. @throws InvalidParameterException */
export function legalName(input: Input, name: string, field: string): string {
  const against = (constraint: string) =>
    input.invalid(`Invalid parameter at '${field}' failed to satisfy constraint: '${constraint}'`);
  if (name.length < 2) throw against("Member must have length greater than or equal to 2");
  if (name.length > 256) throw against("Member must have length less than or equal to 256");
  if (!PRIVATE.test(name)) throw against(`must satisfy regular expression '${PRIVATE.source}'`);
  return name;
}
