import type { Permissions } from "../../../core/schemas.ts";
import { repositoryActions, tokenActions } from "./actions.ts";

export interface RoleScope {
  readonly partition: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  /** What every repository of the registry begins with, as in the binding. */
  readonly repositoryPrefix: string;
  readonly permissions: Permissions;
}

/**
 * What the pull or the push role of a registry may do: the session policy of each credential narrows it to one repository.
 * The repository with the bare prefix, and those that follow it with `-`; never `CreateRepository`.
 *
 * @param regions home and replica regions
 */
export function ecrRolePolicy(scope: RoleScope, regions: readonly string[]): string {
  const { partition, account, repositoryPrefix, permissions } = scope;
  const repositories = [...new Set(regions)]
    .sort()
    .map((region) => `arn:${partition}:ecr:${region}:${account}:repository/${repositoryPrefix}`);
  return rolePolicy(tokenActions.ecr, repositoryActions.ecr[permissions], repositories);
}

/** The same for ECR Public, whose ARNs have no region. */
export function ecrPublicRolePolicy({ partition, account, repositoryPrefix, permissions }: RoleScope): string {
  const repository = `arn:${partition}:ecr-public::${account}:repository/${repositoryPrefix}`;
  return rolePolicy(tokenActions["ecr-public"], repositoryActions["ecr-public"][permissions], [repository]);
}

function rolePolicy(token: readonly string[], actions: readonly string[], repositories: readonly string[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Sid: "Token", Effect: "Allow", Action: token, Resource: "*" },
      {
        Sid: "Repositories",
        Effect: "Allow",
        Action: actions,
        Resource: repositories.flatMap((repository) => [repository, `${repository}-*`]),
      },
    ],
  });
}
