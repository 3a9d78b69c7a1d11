import type { AwsAccess } from "../../../core/schemas.ts";
import { addAccess } from "../grants/add.ts";
import { type GrantSet, grantSet, grantsOf, noGrants } from "../grants/grant.ts";
import { parseGrants, serialiseGrants } from "../grants/serialise.ts";
import type { Packing, Plan } from "./lease.ts";

/** The grants of a set one by one, as the lease knows them: a plan may name one region of an account's workers. */
export function atomsOf(grants: GrantSet): string[] {
  return grantsOf(grants).flatMap((grant) => serialiseGrants(grantSet([grant])));
}

/** @throws UNEXPECTED_RESPONSE_FORMAT for what is not a grant */
export function fromAtoms(atoms: readonly string[]): GrantSet {
  return parseGrants(atoms);
}

/** Items hold an account's workers in one line. */
export const grantPacking: Packing = {
  pack: (atoms) => serialiseGrants(fromAtoms(atoms)),
  unpack: (lines) => atomsOf(parseGrants(lines)),
};

/** More pairs of accounts and regions than this are not spelled out: nobody adds as many and crashes. */
const manyPairs = 100;

/** What `add` may change. */
export function planToAdd(access: AwsAccess): Plan {
  if (access.accountIds.length * access.regions.length > manyPairs) return { adds: ["*"] };
  return { adds: atomsOf(addAccess(noGrants, access)) };
}

/** What `remove` may change: the account may go with its last worker. */
export function planToRemove({ accountIds, regions, roleArns, allowedServiceTypes }: AwsAccess): Plan {
  if (accountIds.length * regions.length > manyPairs) return { removes: ["*"] };
  const some = allowedServiceTypes.includes("worker") && regions.length > 0 ? regions : ["*"];
  return {
    removes: [
      ...accountIds.map((accountId) => `account:${accountId}`),
      ...accountIds.flatMap((accountId) => some.map((region) => `worker:${accountId}:${region}`)),
      ...roleArns.map((arn) => `role:${arn}`),
    ],
  };
}

/** What the deletion of a repository changes. */
export const planToDelete: Plan = { removes: ["*"] };
