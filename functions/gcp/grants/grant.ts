/** One atom of cross-account access. Whatever it names may pull, and nothing else. */
export type Grant =
  /** The Cloud Run service agent of the project may pull for the project's services. */
  | { readonly kind: "worker"; readonly projectNumber: string }
  | { readonly kind: "serviceAccount"; readonly email: string };

/**
 * A set of grants, in its one canonical form: sorted by code unit, without doubles. Two equal sets are structurally
 * equal. Made by `grantSet` only.
 */
export interface GrantSet {
  readonly workers: readonly string[];
  readonly serviceAccounts: readonly string[];
}

export const worker = (projectNumber: string): Grant => ({ kind: "worker", projectNumber });
export const serviceAccount = (email: string): Grant => ({ kind: "serviceAccount", email });

/** The canonical set of any grants, in any order and with doubles. */
export function grantSet(grants: Iterable<Grant>): GrantSet {
  const workers = new Set<string>();
  const serviceAccounts = new Set<string>();
  for (const grant of grants) {
    switch (grant.kind) {
      case "worker":
        workers.add(grant.projectNumber);
        break;
      case "serviceAccount":
        serviceAccounts.add(grant.email);
        break;
    }
  }
  return { workers: [...workers].sort(byCodeUnit), serviceAccounts: [...serviceAccounts].sort(byCodeUnit) };
}

export const noGrants: GrantSet = grantSet([]);

/** The atoms of a set, in canonical order. */
export function grantsOf({ workers, serviceAccounts }: GrantSet): Grant[] {
  return [...workers.map(worker), ...serviceAccounts.map(serviceAccount)];
}

/** The same order in every locale. */
function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
