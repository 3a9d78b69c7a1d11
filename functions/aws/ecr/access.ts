import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { CrossAccountControl } from "../../../core/registry.ts";
import type { AwsAccess, CrossAccountAccess } from "../../../core/schemas.ts";
import {
  addAccess,
  type Plan,
  planToAdd,
  planToRemove,
  refuseOtherPartitions,
  removeAccess,
} from "../grants/changes.ts";
import { toPermissions } from "../grants/forms.ts";
import { type GrantSet, grantSet, noGrants } from "../grants/grant.ts";
import type { Held, LeaseRecord } from "../lease/lease.ts";
import type { Policy } from "../policy/read.ts";
import { stillLetIn, unmanagedIn } from "../policy/unmanaged.ts";
import { writePolicy } from "../policy/write.ts";
import type { ContextFor, EcrContext, PolicyLeases, RegionOutcome } from "./context.ts";
import { type RegionPolicy, readPolicyIn, writePolicies } from "./policies.ts";
import { getRepository, notFound } from "./repositories.ts";

/** Cross-account access by repository policies: grants in, documents out, at home and at every replica. */
export function createCrossAccount(contextFor: ContextFor, leases: PolicyLeases): CrossAccountControl {
  return {
    async add(name, accesses, call) {
      const aws = accesses.map(awsOnly);
      const context = await contextFor(call, "fresh");
      for (const { roleArns } of aws) refuseOtherPartitions(roleArns, context.place.partition);
      const change = (before: GrantSet) => aws.reduce(addAccess, before);
      const named = aws.flatMap(({ roleArns, accountIds }) => [...roleArns, ...accountIds]);
      await editGrants(context, leases, name, { plan: planToAdd(...aws), change, named }, call);
    },

    async remove(name, access, call) {
      const aws = awsOnly(access);
      const context = await contextFor(call, "fresh");
      const change = (before: GrantSet) => removeAccess(before, aws);
      // Nobody is named: what is taken away need not exist any more.
      const edit = { plan: planToRemove(aws), change, named: [] };
      const policies = await editGrants(context, leases, name, edit, call);
      const unmanaged = policies.flatMap(({ region, policy }) =>
        (policy ? stillLetIn(policy, aws) : []).map((entry) =>
          region === context.place.region ? entry : { ...entry, region },
        ),
      );
      return unmanaged.length > 0 ? { unmanaged } : {};
    },

    async get(name, call) {
      const context = await contextFor(call);
      const { policy } = await readPolicyIn(context.place.region, context, name, call);
      if (policy === undefined) throw notFound(context, name);
      const { own, adopted } = policy;
      const unmanaged = unmanagedIn(policy);
      const record = await leases.edits.recorded(leases.key(name), call);
      return {
        ...toPermissions(grantSet([...own, ...adopted])),
        scope: "repository",
        ...(unmanaged.length > 0 && { unmanaged }),
        // The record of a deletion is not about the repository that is there now.
        ...(record && !record.deleted && { lastUpdated: record.lastUpdated.toISOString() }),
      };
    },
  };
}

function awsOnly(access: CrossAccountAccess): AwsAccess {
  if (access.type === "aws") return access;
  throw invalidInput('"access.type" must be "aws" on this registry.', "access.type");
}

/** One change of a repository's grants. */
interface GrantEdit {
  readonly plan: Plan;
  change(before: GrantSet): GrantSet;
  /** The principals that the caller named. */
  readonly named: readonly string[];
}

/**
 * Changes the grants of a repository at home and at every replica that exists, while nobody else does. It compares every
 * document, even where nothing changes, so that a replica that fell behind is brought up to date. It writes nothing before
 * it is clear that every document fits. A revocation, however, is carried out wherever it can be, whatever is wrong with
 * another replica.
 *
 * A repository that is gone at home grants nothing. A revocation therefore takes all our grants away from the replicas
 * that it left behind, whoever the call names, and leaves a tombstone.
 *
 * @returns the policies as they were read; what is foreign in them stands as it was
 * @throws RESOURCE_NOT_FOUND where home is gone, and for a revocation where every replica is gone too; QUOTA_EXCEEDED;
 *   what `change` throws
 */
async function editGrants(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  { plan, change, named }: GrantEdit,
  call: Call,
): Promise<readonly RegionPolicy[]> {
  const revokes = Boolean(plan.removes?.length);
  return edits.edit(key(name), plan, call, async (held) => {
    const failed: RegionOutcome[] = [];
    const readReplica = async (region: string): Promise<RegionPolicy[]> => {
      try {
        return [await readPolicyIn(region, context, name, call)];
      } catch (error) {
        if (!revokes) throw error;
        failed.push({ region, error });
        return [];
      }
    };
    const [atHome, ...replicas] = await Promise.all([
      readPolicyIn(context.place.region, context, name, call),
      ...context.replicaRegions.map(readReplica),
    ]);
    const policies = [atHome, ...replicas.flat()];
    const isGone = atHome.policy === undefined;
    const mayBeElsewhere = failed.length > 0 || policies.some(({ policy }) => policy !== undefined);
    if (isGone && !(revokes && mayBeElsewhere)) throw notFound(context, name);
    const before = isGone
      ? noGrants
      : await grantsBefore(context, name, { held, policy: atHome.policy, revokes }, call);
    held.refuseStale();
    const grants = change(before);
    await writePolicies(context, name, { policies, grants, named, revokes, failed }, held, call);
    return { grants, deleted: isGone, result: policies };
  });
}

/**
 * Runs `create` unless the repository lost access, or was deleted, after the moment that the call's event speaks of.
 *
 * @throws RESOURCE_CONFLICT (not retryable) for an event that came too late
 */
export async function unlessRevoked<T>(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  call: Call,
  create: () => Promise<T>,
): Promise<T> {
  return edits.edit(key(name), {}, call, async (held) => {
    const { policy } = await readPolicyIn(context.place.region, context, name, call);
    const before = await held.reconcile(policy ?? { own: [], adopted: [] });
    held.refuseStale();
    const result = await create();
    // What was recorded of a repository that is gone is not what the new one grants.
    return { grants: policy === undefined ? noGrants : before, result };
  });
}

/**
 * Brings the grants of home to one replica, under the same lease as every edit. Where the replica holds what is recorded, and
 * where there is none, nothing is left to do: then it takes no lease, since one push sends many events.
 */
export async function copyGrants(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  region: string,
  call: Call,
): Promise<void> {
  const isCurrent = async ({ grants }: LeaseRecord) => {
    const { policy } = await readPolicyIn(region, context, name, call);
    return policy === undefined || !writePolicy(policy, grants, context.place).differs;
  };
  await edits.catchUp(key(name), call, isCurrent, async (held) => {
    const [atHome, replica] = await Promise.all([
      readPolicyIn(context.place.region, context, name, call),
      readPolicyIn(region, context, name, call),
    ]);
    if (atHome.policy === undefined) throw notFound(context, name);
    const grants = await grantsBefore(context, name, { held, policy: atHome.policy }, call);
    await writePolicies(context, name, { policies: [atHome, replica], grants }, held, call);
    return { grants, result: undefined };
  });
}

/** Takes our grants away from replicas in regions that leave the registry; those at home stay. */
export async function clearReplicas(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  regions: readonly string[],
  call: Call,
): Promise<void> {
  await edits.edit(key(name), {}, call, async (held) => {
    const [{ policy }, ...replicas] = await Promise.all([
      readPolicyIn(context.place.region, context, name, call),
      ...regions.map((region) => readPolicyIn(region, context, name, call)),
    ]);
    const grants = policy === undefined ? noGrants : await grantsBefore(context, name, { held, policy }, call);
    await writePolicies(context, name, { policies: replicas, grants: noGrants }, held, call);
    return { grants, result: undefined };
  });
}

interface AtHome {
  readonly held: Held;
  readonly policy: Policy;
  readonly revokes?: boolean;
}

/**
 * The grants that hold before this edit. Roles that AWS turned into unique ids are left out: they are gone, and ECR takes
 * no policy that names them. So is the record of an earlier repository of the same name, which somebody deleted by hand.
 */
async function grantsBefore(
  context: EcrContext,
  name: RoutableName,
  { held, policy, revokes = false }: AtHome,
  call: Call,
): Promise<GrantSet> {
  const { document, own, adopted, dropped } = policy;
  const grants = await held.reconcile(policy);
  if (document === undefined && (await wasRecreated(context, name, held, call, revokes))) return noGrants;
  if (dropped.length === 0) return grants;
  const known = new Set(grantSet([...own, ...adopted]).roles);
  return { ...grants, roles: grants.roles.filter((role) => known.has(role)) };
}

/** Asks ECR only where a repository without a policy has grants on record. That is rare, and costs a request. */
async function wasRecreated(
  context: EcrContext,
  name: RoutableName,
  { record }: Held,
  call: Call,
  revokes: boolean,
): Promise<boolean> {
  if (!record || record.deleted || isEmpty(record.grants)) return false;
  try {
    const { createdAt } = await getRepository(context, name, call);
    return createdAt !== undefined && new Date(createdAt) > record.lastUpdated;
  } catch (error) {
    // It was deleted since its policy was read: a revocation goes on to its replicas.
    if (revokes && error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND") return true;
    throw error;
  }
}

function isEmpty({ accounts, roles, workers }: GrantSet): boolean {
  return accounts.length + roles.length + workers.length === 0;
}
