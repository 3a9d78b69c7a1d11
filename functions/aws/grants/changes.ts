import { invalidInput } from "../../../core/errors.ts";
import type { Consumer } from "../../../core/registry.ts";
import type { AwsAccess } from "../../../core/schemas.ts";
import {
  account,
  byName,
  type Grant,
  type GrantSet,
  grantSet,
  grantsOf,
  isAccountId,
  isRoleArn,
  role,
  type WorkerGrants,
  worker,
} from "./grant.ts";

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

/**
 * Takes away what `access` names, erring on the side of revoking:
 * - no service types: the account and all its workers, whatever regions are given;
 * - `worker` without regions: all its workers and the account;
 * - `worker` with regions: the workers in those, and the account too unless workers in other regions remain. That holds
 *   also where it had no workers before, so that repeating the removal of an earlier add leaves nothing of it either.
 * - Roles go one by one. A role of the account stays: it was granted, and is revoked, by its own name.
 *
 * It is no error to name what is not granted.
 *
 * @throws INVALID_INPUT when a region would be subtracted from `any`: no policy can say "any but this one"
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

/**
 * The grants without those of these accounts and roles. What Lambda may do for functions of such an account goes too: it
 * needs the account's grant, and would be read as that.
 */
export function withoutConsumers({ accounts, roles, workers }: GrantSet, refused: readonly string[]): GrantSet {
  const stays = (name: string) => !refused.includes(name);
  return {
    accounts: accounts.filter(stays),
    roles: roles.filter(stays),
    workers: workers.filter(({ accountId }) => stays(accountId)),
  };
}

/**
 * Refuses roles of another partition: no grant reaches across partitions, and ECR refuses a policy that names one.
 *
 * @throws INVALID_INPUT naming the role
 */
export function refuseOtherPartitions(roleArns: readonly string[], partition: string): void {
  for (const [index, roleArn] of roleArns.entries()) {
    if (isRoleArn(roleArn, partition)) continue;
    throw invalidInput(
      `${roleArn} is not a role of this registry's partition.`,
      `access.roleArns.${index}`,
      `Pass roles as arn:${partition}:iam::{account}:role/{name}.`,
    );
  }
}

/**
 * The grants that an edit may add and remove, by their names. A name may end with `*`, and then stands for all that begin
 * like it: `worker:111122223333:*`. An edit that crashes leaves its plan behind, and the next one knows what may have
 * happened.
 */
export interface Plan {
  readonly adds?: readonly string[];
  /** Not empty for every edit that revokes, also where nothing turns out to be there. */
  readonly removes?: readonly string[];
}

/** A plan that names more than this is written down as one for everything: it must fit into the lease's item. */
export const longestPlan = 100;

/** What adding these values may change. */
export function planToAdd(...accesses: readonly AwsAccess[]): Plan {
  const isLong = ({ accountIds, regions }: AwsAccess) => accountIds.length * regions.length > longestPlan;
  if (accesses.some(isLong)) return { adds: ["*"] };
  return { adds: [...byName(accesses.flatMap(spelledOut)).keys()] };
}

/** What `remove` may change: the account may go with its last worker. */
export function planToRemove({ accountIds, regions, roleArns, allowedServiceTypes }: AwsAccess): Plan {
  if (accountIds.length * regions.length > longestPlan) return { removes: ["*"] };
  const some = allowedServiceTypes.includes("worker") && regions.length > 0 ? regions : ["*"];
  const named = [
    ...accountIds.map(account),
    ...accountIds.flatMap((accountId) => some.map((region) => worker(accountId, region))),
    ...roleArns.map(role),
  ];
  return { removes: [...byName(named).keys()] };
}

/** Who is let in: an account with its roles and workers, or one role. */
export type AwsConsumer = Extract<Consumer, { readonly type: "aws" }>;

/** A consumer by its account id or its role's ARN. */
export function consumerOf(name: string): AwsConsumer {
  return isAccountId(name) ? { type: "aws", accountId: name } : { type: "aws", roleArn: name };
}

/** What of the grants is the consumer's. */
export function grantsTo(consumer: AwsConsumer, grants: GrantSet): GrantSet {
  return grantSet(grantsOf(grants).filter((grant) => isOf(consumer, grant)));
}

/** The grants without the consumer's. */
export function endConsumer(consumer: AwsConsumer, grants: GrantSet): GrantSet {
  return grantSet(grantsOf(grants).filter((grant) => !isOf(consumer, grant)));
}

function isOf(consumer: AwsConsumer, grant: Grant): boolean {
  if ("roleArn" in consumer) return grant.kind === "role" && grant.roleArn === consumer.roleArn;
  return (grant.kind === "role" ? grant.roleArn.split(":")[4] : grant.accountId) === consumer.accountId;
}

/** What the end of a consumer may change. */
export function planToEnd(consumer: AwsConsumer, partition: string): Plan {
  if ("roleArn" in consumer) return { removes: [`role:${consumer.roleArn}`] };
  const { accountId } = consumer;
  return { removes: [`account:${accountId}`, `worker:${accountId}:*`, `role:arn:${partition}:iam::${accountId}:*`] };
}

/** What the deletion of a repository changes. */
export const planToDelete: Plan = { removes: ["*"] };

/** The grants that a document holds, as `readPolicy` finds them. */
export interface DocumentGrants {
  /** In statements of our own form. */
  readonly own: readonly Grant[];
  /** In statements of earlier tools. We never write those, so they cannot be a late write of ours. */
  readonly adopted: readonly Grant[];
}

export interface Reconciled {
  readonly grants: GrantSet;
  /** Whether a revocation that did not finish turned out to have taken effect. */
  readonly revoked: boolean;
  /** Names of adopted grants that are not on record. */
  readonly unrecorded: readonly string[];
}

/**
 * The grants that hold, from what is recorded, what the document says, and what edits that crashed had set out to do.
 *
 * Where nobody crashed the record decides, and so repairs a document that fell behind. A grant that a crashed edit was
 * to add holds if the document has it, and one that a crashed edit was to remove holds no more if the document lacks
 * it: what took effect stays, what did not was never acknowledged. Neither can bring back what another edit revoked,
 * nor lose what another edit granted. Grants in statements of earlier tools always hold.
 *
 * @param recorded absent where nothing was ever recorded: the document decides everything
 * @param unfinished names of grants, or patterns as in a `Plan`, each after `+` or `-`
 */
export function reconcile(
  recorded: GrantSet | undefined,
  unfinished: readonly string[],
  { own, adopted }: DocumentGrants,
): Reconciled {
  if (!recorded) return { grants: grantSet([...own, ...adopted]), revoked: false, unrecorded: [] };
  const before = byName(grantsOf(recorded));
  const inDocument = byName(own);
  const held = [...adopted];
  let revoked = false;
  for (const [name, grant] of new Map([...before, ...inDocument])) {
    const [was, is] = [before.has(name), inDocument.has(name)];
    const tookEffect = was !== is && unfinished.some((intent) => covers(intent, `${is ? "+" : "-"}${name}`));
    if (tookEffect ? is : was) held.push(grant);
    if (tookEffect && was) revoked = true;
  }
  const unrecorded = [...byName(adopted).keys()].filter((name) => !before.has(name));
  return { grants: grantSet(held), revoked, unrecorded };
}

function covers(intent: string, change: string): boolean {
  return intent.endsWith("*") ? change.startsWith(intent.slice(0, -1)) : change === intent;
}
