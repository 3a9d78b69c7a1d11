import type { Call } from "../call.ts";
import { resourceTagKeys } from "../identity/authorization.ts";
import { readPrincipals } from "../identity/bound-principals.ts";
import type { Input } from "../wire/input.ts";
import { type PublicRegistry, type PublicRepository, publicArn, requirePublic } from "./state.ts";

export { EVERY_REPOSITORY } from "../ecr/authorize.ts";

const PUBLIC = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

/** The repository's name: single separators only. @throws InvalidParameterException */
export function publicName(input: Input): string {
  const name = input.text("repositoryName");
  const against = (constraint: string) =>
    input.invalid(`Invalid parameter at 'repositoryName' failed to satisfy constraint: '${constraint}'`);
  if (name.length < 2) throw against("Member must have length greater than or equal to 2");
  if (name.length > 205) throw against("Member must have length less than or equal to 205");
  if (!PUBLIC.test(name)) throw against(`must satisfy regular expression '${PUBLIC.source}'`);
  return name;
}

/** The caller's public registry: nobody else's can be changed. */
export function publicRegistryOf(call: Call): PublicRegistry {
  return call.world.publicRegistry(call.registryId);
}

export async function authorizedPublic(call: Call, action = call.record.action): Promise<PublicRepository> {
  const registry = publicRegistryOf(call);
  const name = publicName(call.input);
  await authorizePublic(call, registry, name, action);
  return requirePublic(registry, name);
}

export async function authorizePublic(
  call: Call,
  registry: PublicRegistry,
  name: string,
  action = call.record.action,
  context: Readonly<Record<string, string | string[]>> = {},
): Promise<void> {
  const repository = registry.repositories.get(name);
  const policy = repository?.policy;
  await call.authorize({
    action: `ecr-public:${action}`,
    resource: publicArn(registry, name),
    resourceAccount: registry.account,
    resourcePolicy: policy === undefined ? undefined : readPrincipals(call.world.directory, policy),
    context: { ...resourceTagKeys("ecr-public", repository?.tags ?? new Map()), ...context },
  });
}
