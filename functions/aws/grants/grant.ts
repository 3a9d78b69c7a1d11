import { byCodeUnit } from "./order.ts";

/** Regions from which Lambda may pull for an account: sorted, never empty; `any` absorbs single ones. */
export type Regions = "any" | readonly string[];

/** One atom of cross-account access. Whatever it names may pull, and nothing else. */
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
 * equal sets are structurally equal. Made by `grantSet` only.
 */
export interface GrantSet {
  readonly accounts: readonly string[];
  readonly roles: readonly string[];
  readonly workers: readonly WorkerGrants[];
}

export const account = (accountId: string): Grant => ({ kind: "account", accountId });
export const role = (roleArn: string): Grant => ({ kind: "role", roleArn });
export const worker = (accountId: string, region: string): Grant => ({ kind: "worker", accountId, region });

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

/** The atoms of a set, in canonical order. */
export function grantsOf({ accounts, roles, workers }: GrantSet): Grant[] {
  return [
    ...accounts.map(account),
    ...roles.map(role),
    ...workers.flatMap(({ accountId, regions }) =>
      (regions === "any" ? ["any"] : regions).map((region) => worker(accountId, region)),
    ),
  ];
}

function canonicalRegions(regions: ReadonlySet<string>): Regions {
  return regions.has("any") ? "any" : [...regions].sort(byCodeUnit);
}
