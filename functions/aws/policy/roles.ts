import { createHash } from "node:crypto";
import { invalidInput } from "../../../core/errors.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { byCodeUnit, isRoleArn } from "../grants/grant.ts";
import { repositoryActions, tokenActions } from "./session.ts";

/** IAM, CreateRole: characters of a role's name. */
const nameLimit = 64;

export type RoleKind = "pull" | "push";

/** Name of the role that mints for a registry: `{prefix}-pull` or `{prefix}-push`, with a hash where that does not fit. */
export function roleName(repositoryPrefix: string, kind: RoleKind): string {
  // A role's name has no `/`; a prefix may.
  const plain = `${repositoryPrefix.replaceAll("/", "-")}-${kind}`;
  if (plain.length <= nameLimit && !repositoryPrefix.includes("/")) return plain;
  const hash = createHash("sha256").update(repositoryPrefix).digest("hex").slice(0, 20);
  return `${plain.slice(0, nameLimit - hash.length - kind.length - 2).replace(/-+$/, "")}-${hash}-${kind}`;
}

/** @param path as IAM has it: begins and ends with `/` */
export function roleArn(partition: string, account: string, name: string, path = "/"): string {
  return `arn:${partition}:iam::${account}:role${path}${name}`;
}

export interface RoleScope {
  readonly partition: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  /** What every repository of the registry begins with, as in the binding. */
  readonly repositoryPrefix: string;
  readonly permissions: Permissions;
}

/**
 * What the pull or the push role of a registry on private ECR may do, in the repository with the bare prefix and in those
 * that follow it with `-`. The session policy of each credential narrows it to one of them. Never `CreateRepository`.
 *
 * @param regions home first, which is the only one that is pushed to: replication overwrites its replicas
 */
export function ecrRolePolicy(scope: RoleScope, regions: readonly [home: string, ...replicas: string[]]): string {
  const { partition, account, repositoryPrefix, permissions } = scope;
  const repositoriesIn = (places: readonly string[]) =>
    [...new Set(places)].sort().flatMap((region) => {
      const repository = `arn:${partition}:ecr:${region}:${account}:repository/${repositoryPrefix}`;
      return [repository, `${repository}-*`];
    });
  const { pull, push } = repositoryActions.ecr;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Sid: "Token", Effect: "Allow", Action: tokenActions.ecr, Resource: "*" },
      { Sid: "Repositories", Effect: "Allow", Action: pull, Resource: repositoriesIn(regions) },
      ...(permissions === "pull"
        ? []
        : [{ Sid: "Uploads", Effect: "Allow", Action: push, Resource: repositoriesIn([regions[0]]) }]),
    ],
  });
}

export interface TrustScope {
  readonly partition: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  /** Execution roles of the functions that mint: one per door that does. */
  readonly functionRoleArns: readonly string[];
}

/**
 * Who may assume the pull and push roles: the functions' own roles. They stand in a condition, beside the account as
 * principal: a role under `Principal` must exist already, and turns into a dead unique id when it is deleted and made
 * again. The functions' roles need `sts:AssumeRole` in their own policies as well.
 *
 * @throws INVALID_INPUT for no role, or for one that is not a literal role of this account
 */
export function trustPolicy({ partition, account, functionRoleArns }: TrustScope): string {
  const own = functionRoleArns.every((arn) => isRoleArn(arn, partition) && arn.split(":")[4] === account);
  if (!own || functionRoleArns.length === 0) {
    throw invalidInput(
      "The pull and push roles can be trusted to roles of the registry's own account only.",
      "functionRoleArns",
      `Pass arn:${partition}:iam::${account}:role/{name} of each function that mints credentials.`,
    );
  }
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "FunctionsOfThisRegistry",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: "sts:AssumeRole",
        Condition: { ArnEquals: { "aws:PrincipalArn": [...new Set(functionRoleArns)].sort(byCodeUnit) } },
      },
    ],
  });
}
