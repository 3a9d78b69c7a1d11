import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { CrossAccountControl } from "../../../core/registry.ts";
import type { AwsAccess, CrossAccountAccess, LeftOut, RepositoryResponse } from "../../../core/schemas.ts";
import {
  addAccess,
  type Plan,
  planToAdd,
  planToRemove,
  refuseOtherPartitions,
  removeAccess,
  withoutConsumers,
} from "../grants/changes.ts";
import { toPermissions } from "../grants/forms.ts";
import { type GrantSet, grantSet, noGrants } from "../grants/grant.ts";
import { isSuccessor } from "../lease/item.ts";
import type { Held, LeaseRecord } from "../lease/lease.ts";
import { unmanagedIn } from "../policy/unmanaged.ts";
import { writePolicy } from "../policy/write.ts";
import type { ContextFor, EcrContext, PolicyLeases, RegionOutcome } from "./context.ts";
import { grant, onceSeen } from "./granting.ts";
import { type RegionPolicy, readPolicyIn, type Target, toldOf } from "./policies.ts";
import { noteRefused, refuseEnded, regionsOf } from "./regions.ts";
import { describeRepository, notFound } from "./repositories.ts";
import { settle } from "./settling.ts";

/** Cross-account access by repository policies: grants in, documents out, at home and at every replica. */
export function createCrossAccount(contextFor: ContextFor, leases: PolicyLeases): CrossAccountControl {
  return {
    async add(name, accesses, call) {
      const aws = accesses.map(awsOnly);
      const context = await contextFor(call);
      for (const { roleArns } of aws) refuseOtherPartitions(roleArns, context.place.partition);
      const change = (before: GrantSet) => aws.reduce(addAccess, before);
      const named = aws.flatMap(({ roleArns, accountIds }) => [...roleArns, ...accountIds]);
      const edit = { plan: planToAdd(...aws), change, named };
      await onceSeen(() => editGrants(context, leases, name, edit, call), call);
    },

    async remove(name, access, call) {
      const aws = awsOnly(access);
      const context = await contextFor(call);
      const change = (before: GrantSet) => removeAccess(before, aws);
      // Nobody is named: what is taken away need not exist any more.
      const edit = { plan: planToRemove(aws), change, named: [] };
      const { leftOut, policies } = await editGrants(context, leases, name, edit, call);
      return toldOf(leftOut, policies, aws, context);
    },

    async get(name, call) {
      const context = await contextFor(call);
      const [{ policy }, record] = await Promise.all([
        readPolicyIn(context.place.region, context, name, call),
        leases.edits.recorded(leases.key(name), call),
      ]);
      if (policy === undefined) throw notFound(context, name);
      const { own, adopted } = policy;
      const unmanaged = unmanagedIn(policy);
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

export interface Edited {
  readonly leftOut: readonly LeftOut[];
  readonly policies: readonly RegionPolicy[];
}

/**
 * Changes the grants of a repository at home and at every replica that exists, while nobody else does. It compares every
 * document, even where nothing changes, so that a replica that fell behind is brought up to date. It writes nothing before
 * it is clear that every document fits. A revocation, however, is carried out wherever it can be, whatever is wrong with
 * another replica, also in regions that leave the registry.
 *
 * A repository that is gone at home grants nothing. A revocation therefore takes all our grants away from the replicas
 * that it left behind, whoever the call names, and leaves a tombstone.
 *
 * @returns whom AWS refuses, and a revocation therefore left out; and the policies as they were read
 * @throws RESOURCE_NOT_FOUND where home is gone, and for a revocation where every replica is gone too; QUOTA_EXCEEDED;
 *   what `change`, `grant` and `settle` throw
 */
export async function editGrants(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  { plan, change, named }: GrantEdit,
  call: Call,
): Promise<Edited> {
  const revokes = Boolean(plan.removes?.length);
  return leases.edits.edit(leases.key(name), plan, call, async (held) => {
    const edit = { context, name, held, call };
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
    const readReplicas = async () => {
      const { here, leaving, refused, ended } = await regionsOf(context, leases, call);
      const read = async (regions: readonly string[]) => (await Promise.all(regions.map(readReplica))).flat();
      const [replicas, left] = await Promise.all([read(here), read(revokes ? leaving : [])]);
      return { replicas, left, refused, ended };
    };
    const [{ replicas, left, refused, ended }, home] = await Promise.all([
      readReplicas(),
      readHome(context, name, call),
    ]);
    const isGone = home.policy === undefined;
    const mayBeElsewhere = failed.length > 0 || [...replicas, ...left].some(({ policy }) => policy !== undefined);
    if (isGone && !(revokes && mayBeElsewhere)) throw notFound(context, name);
    const before = isGone ? noGrants : await grantsBefore(held, home);
    held.refuseStale();
    if (!revokes && call.asOf) refuseEnded(ended, change(noGrants), call.asOf);
    const grants = change(before);
    const targets: Target[] = [
      ...[home, ...replicas].map((each) => ({ ...each, grants })),
      ...left.map((each) => ({ ...each, grants: noGrants })),
    ];
    const { createdAt } = home;
    if (!revokes) {
      const failure = await grant(targets, before, named, edit);
      const isTaken = ({ principal }: LeftOut) => failure === undefined && named.includes(principal);
      await noteRefused(leases, refused, [], isTaken, call);
      return { grants: failure ? before : grants, createdAt, failure, result: { leftOut: [], policies: targets } };
    }
    const { grants: stand, leftOut, failure, unsure } = await settle(targets, edit, failed);
    const found = unsure === undefined ? leftOut : [];
    const isRevoked = ({ principal }: LeftOut) => ![...grants.accounts, ...grants.roles].includes(principal);
    await noteRefused(leases, refused, found, isRevoked, call);
    return {
      grants: stand.get(home.region) ?? noGrants,
      createdAt,
      deleted: isGone,
      failure,
      result: { leftOut, policies: targets },
    };
  });
}

/**
 * Runs `create` unless the repository lost access, or was deleted, after the moment that the call's event speaks of.
 *
 * @throws RESOURCE_CONFLICT (not retryable) for an event that came too late
 */
export async function unlessRevoked(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  call: Call,
  create: () => Promise<RepositoryResponse>,
): Promise<RepositoryResponse> {
  return edits.edit(key(name), {}, call, async (held) => {
    const home = await readHome(context, name, call);
    const before = await grantsBefore(held, home);
    held.refuseStale();
    if (home.policy === undefined) await held.replaces();
    const result = await create();
    // What was recorded of a repository that is gone is not what the new one grants.
    return { grants: home.policy === undefined ? noGrants : before, createdAt: dateOf(result.createdAt), result };
  });
}

/**
 * Brings the grants of home to one replica, or takes ours away where its region is leaving, under the same lease as every
 * edit. Where the replica holds what it shall hold, and where there is none, nothing is left to do: then it takes no lease,
 * since one push sends many events.
 */
export async function copyGrants(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  region: string,
  call: Call,
): Promise<void> {
  const isCurrent = async (record: LeaseRecord) => {
    const [{ policy }, home, regions] = await Promise.all([
      readPolicyIn(region, context, name, call),
      describeRepository(context, name, call),
      regionsOf(context, leases, call),
    ]);
    if (policy === undefined || home === undefined) return true;
    if (isSuccessor(record, home.createdAt)) return false;
    const refused = regions.refused.filter((each) => each.region === region).map(({ principal }) => principal);
    const grants = regions.here.includes(region) ? record.grants : noGrants;
    return !writePolicy(policy, withoutConsumers(grants, refused), context.place).differs;
  };
  await leases.edits.catchUp(leases.key(name), region, call, isCurrent, async (held) => {
    const [home, replica, regions] = await Promise.all([
      readHome(context, name, call),
      readPolicyIn(region, context, name, call),
      regionsOf(context, leases, call),
    ]);
    const { here, leaving, refused } = regions;
    if (home.policy === undefined) throw notFound(context, name);
    const grants = await grantsBefore(held, home);
    const targets: Target[] = [
      { ...home, grants },
      ...(here.includes(region) ? [{ ...replica, grants }] : []),
      ...(leaving.includes(region) ? [{ ...replica, grants: noGrants }] : []),
    ];
    const { grants: stand, leftOut, failure, unsure } = await settle(targets, { context, name, held, call });
    // A replica without grants that nobody refuses is not what the event asks for: it comes again.
    if (unsure !== undefined) throw unsure;
    await noteRefused(leases, refused, leftOut, () => false, call);
    return { grants: stand.get(home.region) ?? grants, createdAt: home.createdAt, failure, result: undefined };
  });
}

/**
 * Takes our grants away from replicas in regions that leave the registry; those at home stay. A region that has come back
 * meanwhile is left alone.
 *
 * @returns whether there were any
 */
export async function clearReplicas(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  regions: readonly string[],
  call: Call,
): Promise<boolean> {
  return leases.edits.edit(leases.key(name), {}, call, async (held) => {
    const { here } = await regionsOf(context, leases, call);
    const leaving = regions.filter((region) => !here.includes(region));
    const [home, ...replicas] = await Promise.all([
      readHome(context, name, call),
      ...leaving.map((region) => readPolicyIn(region, context, name, call)),
    ]);
    const grants = home.policy === undefined ? noGrants : await grantsBefore(held, home);
    const targets = replicas.map((each) => ({ ...each, grants: noGrants }));
    const { failure } = await settle(targets, { context, name, held, call });
    return { grants, createdAt: home.createdAt, failure, result: replicas.some(holdsGrants) };
  });
}

/** Whether a document of ours grants anybody anything. */
export function holdsGrants({ policy }: RegionPolicy): boolean {
  return policy !== undefined && policy.own.length + policy.adopted.length > 0;
}

/** The repository at home: its policy, and when it was created. */
interface AtHome extends RegionPolicy {
  readonly createdAt?: Date | undefined;
}

async function readHome(context: EcrContext, name: RoutableName, call: Call): Promise<AtHome> {
  const { region } = context.place;
  const [home, repository] = await Promise.all([
    readPolicyIn(region, context, name, call),
    describeRepository(context, name, call),
  ]);
  // It was deleted, or created, between the two requests. What is gone by now grants nothing.
  return repository === undefined ? { region } : { ...home, createdAt: repository.createdAt };
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

/**
 * The grants that hold before this edit. Roles that AWS turned into unique ids are left out: they are gone, and ECR takes
 * no policy that names them.
 */
async function grantsBefore(held: Held, { policy, createdAt }: AtHome): Promise<GrantSet> {
  const { own = [], adopted = [], dropped = [] } = policy ?? {};
  const grants = await held.reconcile({ own, adopted }, createdAt);
  if (dropped.length === 0) return grants;
  const known = new Set(grantSet([...own, ...adopted]).roles);
  return { ...grants, roles: grants.roles.filter((role) => known.has(role)) };
}
