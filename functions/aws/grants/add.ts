import type { AwsAccess } from "../../../core/schemas.ts";
import { account, type Grant, type GrantSet, grantSet, grantsOf, role, worker } from "./grant.ts";

/**
 * The union of a set with what `access` spells out: the account for each account id; where `worker` is among the service
 * types, the workers of each account in each region of this value, `any` without regions; each role. Regions without
 * `worker` grant nothing, and a role never grows into its account.
 */
export function addAccess(grants: GrantSet, access: AwsAccess): GrantSet {
  return grantSet([...grantsOf(grants), ...spelledOut(access)]);
}

function spelledOut({ accountIds, regions, roleArns, allowedServiceTypes }: AwsAccess): Grant[] {
  const workerRegions = allowedServiceTypes.includes("worker") ? (regions.length > 0 ? regions : ["any"]) : [];
  return [
    ...accountIds.map(account),
    ...accountIds.flatMap((accountId) => workerRegions.map((region) => worker(accountId, region))),
    ...roleArns.map(role),
  ];
}
