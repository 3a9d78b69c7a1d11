import { fitName } from "../../../core/names.ts";
import type { GarPlace } from "../place.ts";

export type AccountKind = "pull" | "push";

/** IAM, serviceAccounts.create: characters of an account's id, of which at least 6 are there in `a-pull`. */
const accountIdLimit = 30;

/** Artifact Registry: characters of a repository's id. */
const repositoryLimit = 63;

/**
 * The address of the account that a registry's credentials are minted for: `{repository}-pull` or `{repository}-push`,
 * with a hash where that does not fit. The domain of a domain-scoped project comes behind its name.
 */
export function accountEmail({ project, repository }: GarPlace, kind: AccountKind): string {
  const room = accountIdLimit - kind.length - 1;
  const front = fitName(repository, { pattern: /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/, maxLength: room, nested: false });
  return `${front}-${kind}@${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

/** The binding of a registry that provisioning made: what it answers, and what is derived where nothing is bound. */
export function provisionedBinding(place: GarPlace) {
  return {
    service: "gar",
    projectId: place.project,
    location: place.location,
    repositoryName: place.repository,
    pullServiceAccountEmail: accountEmail(place, "pull"),
    pushServiceAccountEmail: accountEmail(place, "push"),
  } as const;
}

/** The id of a derived registry's repository: the stack's prefix and the registry's own name. */
export function derivedRepository(stackPrefix: string, name: string): string {
  const room = repositoryLimit - stackPrefix.length - 1;
  const grammar = { pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, maxLength: room, nested: false };
  return `${stackPrefix}-${fitName(name, grammar)}`;
}
