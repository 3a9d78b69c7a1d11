import { invalidInput } from "../../../core/errors.ts";
import type { AwsAccess } from "../../../core/schemas.ts";
import type { GrantSet, WorkerGrants } from "./grant.ts";

/**
 * Takes away what `access` names, erring on the side of revoking:
 * - no service types: the account and all its workers, whatever regions are given;
 * - `worker` without regions: all its workers and the account;
 * - `worker` with regions: the workers in those, and the account too unless workers in other regions remain. That holds
 *   also where it had no workers before: what undoes an earlier add leaves nothing of it, also when it is repeated.
 * - Roles go one by one. A role of the account stays: it was granted, and is revoked, by its own name.
 *
 * What is not granted is taken away without a word.
 *
 * @throws INVALID_INPUT when a region would be subtracted from `any`: the rest cannot be written down
 */
export function removeAccess(grants: GrantSet, access: AwsAccess): GrantSet {
  const named = new Set(access.accountIds);
  const roles = new Set(access.roleArns);
  const onlySomeRegions = access.allowedServiceTypes.includes("worker") && access.regions.length > 0;

  const workers = grants.workers.flatMap((held): WorkerGrants[] => {
    if (!named.has(held.accountId)) return [held];
    return onlySomeRegions ? withoutRegions(held, access.regions) : [];
  });
  const stillWorking = new Set(workers.map(({ accountId }) => accountId));
  return {
    accounts: grants.accounts.filter((id) => !named.has(id) || stillWorking.has(id)),
    roles: grants.roles.filter((arn) => !roles.has(arn)),
    workers,
  };
}

function withoutRegions({ accountId, regions: held }: WorkerGrants, regions: readonly string[]): WorkerGrants[] {
  if (held === "any") {
    throw invalidInput(
      `Workers of account ${accountId} may pull from any region; a single region cannot be taken away from that.`,
      "access.regions",
      "Remove the account's worker access as a whole (leave regions empty), then add the regions that shall stay.",
    );
  }
  const kept = held.filter((region) => !regions.includes(region));
  return kept.length > 0 ? [{ accountId, regions: kept }] : [];
}
