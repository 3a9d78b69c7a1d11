import type { Call } from "../call.ts";
import { resourceTagKeys } from "../identity/authorization.ts";
import { readPrincipals } from "../identity/bound-principals.ts";
import type { PolicyDocument } from "../identity/documents.ts";
import type { World } from "../world.ts";
import { repositoryName } from "./names.ts";
import { type PrivateRegistry, type Repository, repositoryArn, requireRepository } from "./state.ts";

/** A name that only a policy for every repository covers: what a call on the whole registry is asked about. */
export const EVERY_REPOSITORY = "any-repository-of-this-registry";

/** The policy of a repository as the oracle reads it. */
export function policyOf(world: World, repository: Repository | undefined): PolicyDocument | undefined {
  return repository?.policy === undefined ? undefined : readPrincipals(world.directory, repository.policy);
}

/** The private registry that a call is about. */
export function registryOf(call: Call): PrivateRegistry {
  return call.world.registry(call.registryId, call.region);
}

/** Asks whether the caller may, and only then whether there is such a repository. */
export async function authorizedRepository(call: Call, action = call.record.action): Promise<Repository> {
  const registry = registryOf(call);
  const name = repositoryName(call.input);
  await authorizeName(call, registry, name, action);
  return requireRepository(registry, name);
}

export async function authorizeName(
  call: Call,
  registry: PrivateRegistry,
  name: string,
  action = call.record.action,
  context: Readonly<Record<string, string | string[]>> = {},
): Promise<void> {
  const repository = registry.repositories.get(name);
  await call.authorize({
    action: `ecr:${action}`,
    resource: repositoryArn(registry, name),
    resourceAccount: registry.account,
    resourcePolicy: policyOf(call.world, repository),
    context: { ...resourceTagKeys("ecr", repository?.tags ?? new Map()), ...context },
  });
}

/** For calls on the registry as such, whose IAM resource is `*`. */
export function authorizeRegistry(call: Call, action = call.record.action): Promise<void> {
  return call.authorize({ action: `ecr:${action}`, resource: "*" });
}
