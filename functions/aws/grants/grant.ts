import * as v from "valibot";
import * as schemas from "../../../core/schemas.ts";

/** Regions from which Lambda may pull for an account: sorted, never empty; `any` absorbs single ones. */
export type Regions = "any" | readonly string[];

/** The smallest piece of cross-account access. Whatever it names may pull, and nothing else. */
export type Grant =
  | { readonly kind: "account"; readonly accountId: string }
  | { readonly kind: "role"; readonly roleArn: string }
  /** Lambda may pull for functions of the account; `region` may be `any`. */
  | { readonly kind: "worker"; readonly accountId: string; readonly region: string };

export interface WorkerGrants {
  readonly accountId: string;
  readonly regions: Regions;
}

/**
 * A set of grants, in its one canonical form: sorted by code unit, without doubles, regions gathered by account. Two
 * equal sets are structurally equal. Only `grantSet` and the functions in `changes.ts` make one.
 */
export interface GrantSet {
  readonly accounts: readonly string[];
  readonly roles: readonly string[];
  readonly workers: readonly WorkerGrants[];
}

export const account = (accountId: string): Grant => ({ kind: "account", accountId });
export const role = (roleArn: string): Grant => ({ kind: "role", roleArn });
export const worker = (accountId: string, region: string): Grant => ({ kind: "worker", accountId, region });

// Only what a caller could have passed is read as a grant: the API's own patterns, without wildcards.
export const isAccountId = (text: string): boolean => v.is(schemas.accountId, text);
export const isRegion = (text: string): boolean => v.is(schemas.region, text);

/** Whether the text is the literal ARN of a role, of this partition where one is given. */
export const isRoleArn = (text: string, partition?: string): boolean =>
  v.is(schemas.roleArn, text) && (partition === undefined || text.startsWith(`arn:${partition}:`));

/** The canonical set of any grants, in any order and with doubles. */
export function grantSet(grants: Iterable<Grant>): GrantSet {
  const accounts = new Set<string>();
  const roles = new Set<string>();
  const regionsOf = new Map<string, Set<string>>();
  for (const grant of grants) {
    switch (grant.kind) {
      case "account":
        accounts.add(grant.accountId);
        break;
      case "role":
        roles.add(grant.roleArn);
        break;
      case "worker": {
        const regions = regionsOf.get(grant.accountId) ?? new Set();
        regionsOf.set(grant.accountId, regions.add(grant.region));
        break;
      }
    }
  }
  return {
    accounts: [...accounts].sort(byCodeUnit),
    roles: [...roles].sort(byCodeUnit),
    workers: [...regionsOf]
      .map(([accountId, regions]) => ({ accountId, regions: canonicalRegions(regions) }))
      .sort((a, b) => byCodeUnit(a.accountId, b.accountId)),
  };
}

export const noGrants: GrantSet = grantSet([]);

/** The single grants of a set, in canonical order. */
export function grantsOf({ accounts, roles, workers }: GrantSet): Grant[] {
  return [
    ...accounts.map(account),
    ...roles.map(role),
    ...workers.flatMap(({ accountId, regions }) =>
      (regions === "any" ? ["any"] : regions).map((region) => worker(accountId, region)),
    ),
  ];
}

/** Single grants by their names, each once: `account:{id}`, `role:{arn}`, `worker:{id}:{region}`. */
export function byName(grants: Iterable<Grant>): Map<string, Grant> {
  return new Map([...grants].map((grant) => [nameOf(grant), grant]));
}

function nameOf(grant: Grant): string {
  switch (grant.kind) {
    case "account":
      return `account:${grant.accountId}`;
    case "role":
      return `role:${grant.roleArn}`;
    case "worker":
      return `worker:${grant.accountId}:${grant.region}`;
  }
}

/** Accounts whose workers may pull from the same regions. */
export interface RegionSet {
  readonly regions: Regions;
  readonly accountIds: readonly string[];
}

/** Gathers accounts by their set of regions, in canonical order, `any` first: accounts × regions, written once. */
export function regionSets(workers: readonly WorkerGrants[]): RegionSet[] {
  const sets = new Map<string, { regions: Regions; accountIds: string[] }>();
  for (const { accountId, regions } of workers) {
    const key = regions === "any" ? "" : regions.join(",");
    const set = sets.get(key) ?? { regions, accountIds: [] };
    set.accountIds.push(accountId);
    sets.set(key, set);
  }
  return [...sets].sort(([a], [b]) => byCodeUnit(a, b)).map(([, set]) => set);
}

/** The order of everything that is written: by UTF-16 code unit, the same in every locale. */
export function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function canonicalRegions(regions: ReadonlySet<string>): Regions {
  return regions.has("any") ? "any" : [...regions].sort(byCodeUnit);
}
