import type { Permissions } from "../../../core/schemas.ts";
import { probeName } from "../../../functions/aws/ecr/refused.ts";
import { roleArn, roleName } from "../../../functions/aws/policy/roles.ts";
import { repositoryActions } from "../../../functions/aws/policy/session.ts";
import { doorPolicies, read, renderPolicy } from "./module.ts";

export type ExecutionDoor = "platform" | "oidc" | "invoke" | "events" | "provision";

/** What the execution roles are about: one deployment's registries, and what stands beside them. */
export interface ExecutionScope {
  readonly partition: string;
  /** Account of the registries, 12 digits. */
  readonly account: string;
  /** Home region. */
  readonly region: string;
  readonly registries: readonly { readonly prefix: string; readonly replicaRegions: readonly string[] }[];
  /** Set where registries are derived from the stack's prefix, and none of them is known by name. */
  readonly derived?: { readonly stackPrefix: string; readonly replicaRegions: readonly string[] } | undefined;
  /** IAM's path of the pull and push roles. Default `/`. */
  readonly rolePath?: string;
  readonly leaseTableArn: string;
  /** ARN of the permissions boundary that every role made at run time must have. */
  readonly boundaryArn: string;
  readonly deadLetterQueueArn: string;
  /** Whether some binding says how many images are kept. */
  readonly keepsLast: boolean;
  /** ARNs of the KMS keys of the bindings. */
  readonly keyArns: readonly string[];
}

/** One statement of an execution role. Actions and resources are always lists. */
export interface ExecutionStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Lambda itself writes the log and receives messages in the function's name, and ECR Public has tests of its own. */
const beside = ["logs", "tracing"];
const ofLambda = ["ReceiveEvents"];

/** The operations that need each concern, by which the public door gets those that its rules need. */
export const neededFor: Readonly<Record<string, readonly string[]>> = JSON.parse(
  read("infra/aws/policies/operations.json"),
);

/**
 * What infra/aws lets the code behind a door do on private ECR: its JSON files are the only place that says so.
 *
 * @param concerns those of the door, or only some of them
 */
export function executionStatements(
  door: ExecutionDoor,
  scope: ExecutionScope,
  concerns: readonly string[] = doorPolicies[door] ?? [],
): ExecutionStatement[] {
  const values = valuesOf(scope);
  return (
    concerns
      .filter((name) => !beside.includes(name) && !name.startsWith("public-"))
      // Who lists all repositories may describe each.
      .filter((name) => name !== "repositories" || !concerns.includes("listing"))
      .flatMap((name) => renderPolicy(name, values).Statement)
      .filter(({ Sid }) => !ofLambda.includes(Sid))
      .map(({ Sid, Action, Resource = [], Condition }) => ({
        Sid,
        Effect: "Allow" as const,
        Action: [Action].flat(),
        Resource: [Resource].flat(),
        ...(Condition && { Condition }),
      }))
      // The module leaves a concern out that nothing here has.
      .filter(({ Resource }) => Resource.length > 0)
  );
}

/** The same as a document. */
export function executionPolicy(door: ExecutionDoor, scope: ExecutionScope): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: executionStatements(door, scope) });
}

export interface PublicRole {
  readonly partition: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  readonly repositoryPrefix: string;
  readonly permissions: Permissions;
}

/** What the pull or the push role of a registry on ECR Public may do. Only infra/aws makes such roles. */
export function publicRolePolicy({ partition, account, repositoryPrefix, permissions }: PublicRole): string {
  const repository = `arn:${partition}:ecr-public::${account}:repository/${repositoryPrefix}`;
  return JSON.stringify(
    renderPolicy("ecr-public-minting", {
      actions: repositoryActions["ecr-public"][permissions],
      repositories: [repository, `${repository}-*`],
    }),
  );
}

/** What infra/aws/policies.tf fills into the policies. */
export function valuesOf(scope: ExecutionScope): Readonly<Record<string, string | readonly string[]>> {
  const { partition, account, region: home, registries, derived, keyArns, rolePath = "/" } = scope;
  const repository = (region: string, name: string) => `arn:${partition}:ecr:${region}:${account}:repository/${name}`;
  const spaces = [
    ...registries.map((registry) => ({ ...registry, isDerived: false })),
    ...(derived ? [{ prefix: derived.stackPrefix, replicaRegions: derived.replicaRegions, isDerived: true }] : []),
  ];
  // Every name of the stack may be a derived registry's own repository.
  const ownName = ({ prefix, isDerived }: (typeof spaces)[number]) => (isDerived ? `${prefix}-*` : prefix);
  const own = spaces.map((space) => repository(home, ownName(space)));
  const insideHome = spaces.map(({ prefix }) => repository(home, `${prefix}-*`));
  const replicas = spaces.flatMap((space) =>
    space.replicaRegions.filter((region) => region !== home).map((region) => ({ space, region })),
  );
  const insideReplicas = replicas.map(({ space, region }) => repository(region, `${space.prefix}-*`));
  const anywhere = unique(
    spaces.flatMap((space) => [repository("*", ownName(space)), repository("*", `${space.prefix}-*`)]),
  );
  // Where all have the same regions, ARNs name any region, and conditions those.
  const isGrouped = new Set(spaces.map((space) => space.replicaRegions.join())).size === 1 && replicas.length > 0;
  const kinds = ["pull", "push"] as const;
  const roles = [
    ...registries.flatMap(({ prefix }) => kinds.map((kind) => roleName(prefix, kind))),
    ...(derived ? kinds.map((kind) => `${derived.stackPrefix}-*-${kind}`) : []),
  ].map((name) => roleArn(partition, account, name, rolePath));
  const withoutPath = roles.map((arn) => arn.replace(`:role${rolePath}`, ":role/"));
  const ecrReplication = "aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication";

  return {
    owners: spaces.map(ownName),
    regions: unique([home, ...spaces.flatMap(({ replicaRegions }) => replicaRegions)]),
    own_repositories: own,
    repositories_home: unique([...own, ...insideHome]),
    kept: scope.keepsLast
      ? registries.flatMap(({ prefix, replicaRegions }) =>
          (isGrouped ? ["*"] : [home, ...replicaRegions]).map((region) => repository(region, `${prefix}-*`)),
        )
      : [],
    derived_home: derived ? [repository(home, `${derived.stackPrefix}-*`)] : [],
    listed: unique([home, ...replicas.map(({ region }) => region)].map((region) => repository(region, "*"))),
    inside: isGrouped
      ? spaces.map(({ prefix }) => repository("*", `${prefix}-*`))
      : unique([...insideHome, ...insideReplicas]),
    repositories: isGrouped
      ? anywhere
      : unique([
          ...own,
          ...insideHome,
          ...replicas.map(({ space, region }) => repository(region, ownName(space))),
          ...insideReplicas,
        ]),
    repositories_anywhere: anywhere,
    every_repository: repository("*", "*"),
    probes: spaces.map((space) => repository("*", probeName(ownName(space)))),
    keys: keyArns,
    lease_table: scope.leaseTableArn,
    minting_roles: roles,
    provisioned_roles: rolePath === "/" ? roles : [roleArn(partition, account, "*", rolePath)],
    read_roles: rolePath === "/" ? roles : [roleArn(partition, account, "*", rolePath), ...withoutPath],
    replication_role: roleArn(partition, account, ecrReplication),
    boundary: scope.boundaryArn,
    queue_key: [],
    lease_key: [],
    setup_queue: scope.deadLetterQueueArn.replace(/[^:]+$/, "setup"),
    dead_letter_queue: scope.deadLetterQueueArn,
  };
}

function unique(all: readonly string[]): string[] {
  return [...new Set(all)];
}
