import { type Grant, type GrantSet, grantsOf } from "../grants/grant.ts";

/** A set's grants one by one, as the lease records them: what one edit adds and removes can then be told apart. */
export function atoms(grants: GrantSet): string[] {
  return grantsOf(grants).map(atom);
}

function atom(grant: Grant): string {
  switch (grant.kind) {
    case "account":
      return `account:${grant.accountId}`;
    case "role":
      return `role:${grant.roleArn}`;
    case "worker":
      return `worker:${grant.accountId}:${grant.region}`;
  }
}
