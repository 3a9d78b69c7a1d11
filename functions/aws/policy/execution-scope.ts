import { ownershipTagKey } from "../ownership.ts";
import { roleArn, roleName } from "../provisioning/role-names.ts";

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
  readonly leaseTableArn: string;
  /** ARN of the permissions boundary that every role made at run time must have. */
  readonly boundaryArn: string;
  readonly deadLetterQueueArn: string;
  /** Whether some binding says how many images are kept. */
  readonly keepsLast: boolean;
  /** ARNs of the KMS keys of the bindings. */
  readonly keyArns: readonly string[];
}

export function repository({ partition, account }: ExecutionScope, region: string, name: string): string {
  return `arn:${partition}:ecr:${region}:${account}:repository/${name}`;
}

/** The bare prefixes, at home; of derived registries every name of the stack may be one. */
export function ownHome(scope: ExecutionScope): string[] {
  const { region, registries, derived } = scope;
  const names = [...registries.map(({ prefix }) => prefix), ...(derived ? [`${derived.stackPrefix}-*`] : [])];
  return names.map((name) => repository(scope, region, name));
}

/** What lies inside the registries, at home. */
export function insideHome(scope: ExecutionScope): string[] {
  return prefixesOf(scope).map(({ prefix }) => repository(scope, scope.region, `${prefix}-*`));
}

/** The replicas of a registry's own repository (end ``) and of those inside it (end `-*`). */
export function replicas(scope: ExecutionScope, ends: readonly ("" | "-*")[]): string[] {
  return unique(
    prefixesOf(scope).flatMap(({ prefix, replicaRegions, known }) =>
      replicaRegions
        .filter((region) => region !== scope.region)
        .flatMap((region) => ends.map((end) => repository(scope, region, `${prefix}${known ? end : "-*"}`))),
    ),
  );
}

export function anywhere(scope: ExecutionScope): string[] {
  return unique(
    prefixesOf(scope).flatMap(({ prefix, known }) =>
      (known ? ["", "-*"] : ["-*"]).map((end) => repository(scope, "*", `${prefix}${end}`)),
    ),
  );
}

export function mintingRoles({ partition, account, registries, derived }: ExecutionScope): string[] {
  const kinds = ["pull", "push"] as const;
  const names = registries.flatMap(({ prefix }) => kinds.map((kind) => roleName(prefix, kind)));
  const patterns = derived ? kinds.map((kind) => `${derived.stackPrefix}-*-${kind}`) : [];
  return [...names, ...patterns].map((name) => roleArn(partition, account, name));
}

function prefixesOf({ registries, derived }: ExecutionScope) {
  const known = registries.map((registry) => ({ ...registry, known: true }));
  if (!derived) return known;
  return [...known, { prefix: derived.stackPrefix, replicaRegions: derived.replicaRegions, known: false }];
}

/** That what is made, or what is there, carries the tag of one of these registries. */
export function tagged(where: "Request" | "Resource", { registries, derived }: ExecutionScope) {
  const owners = [...registries.map(({ prefix }) => prefix), ...(derived ? [`${derived.stackPrefix}-*`] : [])];
  return { StringLike: { [`aws:${where}Tag/${ownershipTagKey}`]: owners } };
}

function unique(all: readonly string[]): string[] {
  return [...new Set(all)];
}
