import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isServiceError } from "../errors.ts";
import { type GrantSet, noGrants } from "../grants/grant.ts";
import { atomsOf, fromAtoms, type Held, type Plan, type PolicyLease } from "../lease/index.ts";
import { policyHash } from "../policy/hash.ts";
import { readPolicy } from "../policy/read.ts";
import { writePolicy } from "../policy/write.ts";
import type { EcrContext } from "./context.ts";
import { inEveryRegion, type RegionOutcome, refuseFailures } from "./outcomes.ts";
import { readStoredPolicy, type StoredPolicy, writeStoredPolicy } from "./policies.ts";
import { getRepository, notFound } from "./repositories.ts";

/** The leases of one registry's repositories. */
export interface PolicyLeases {
  /** For edits of access; on Lambda only with a table. */
  readonly edits: PolicyLease;
  /** For deletions, which need no table: they only take away. */
  readonly deletions: PolicyLease;
  /** What is leased: the same for the same repository in every function of every region. */
  key(name: RoutableName): string;
}

interface RegionPolicy {
  readonly region: string;
  readonly stored: StoredPolicy;
}

/** One change of a repository's grants. */
export interface GrantEdit {
  readonly plan: Plan;
  change(before: GrantSet): GrantSet;
  /** The principals that the caller named. */
  readonly named: readonly string[];
}

/**
 * Changes the grants of a repository, at home and at every replica that exists, while nobody else does. Every document is
 * compared, also where nothing changes, so that a replica that fell behind is brought up. Nothing is written before it
 * is clear that every document fits; but a revocation is carried out wherever it can be, whatever is wrong with a
 * replica elsewhere.
 *
 * A repository that is gone at home grants nothing. A revocation therefore takes all our grants away from the replicas
 * that it left behind, whoever the call names, and leaves a tombstone.
 *
 * @throws RESOURCE_NOT_FOUND where home is gone, and for a revocation where every replica is gone too; QUOTA_EXCEEDED;
 *   what `change` throws
 */
export async function editGrants(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  { plan, change, named }: GrantEdit,
  call: Call,
): Promise<void> {
  const { region: home } = context.place;
  const revokes = Boolean(plan.removes?.length);
  await edits.edit(key(name), plan, call, async (held) => {
    const unread: RegionOutcome[] = [];
    const readReplica = async (region: string): Promise<RegionPolicy[]> => {
      try {
        return [{ region, stored: await readStoredPolicy(context, name, region, call) }];
      } catch (error) {
        if (!revokes) throw error;
        unread.push({ region, error });
        return [];
      }
    };
    const [atHome, ...replicas] = await Promise.all([
      readStoredPolicy(context, name, home, call),
      ...context.replicaRegions.map(readReplica),
    ]);
    const policies = [{ region: home, stored: atHome }, ...replicas.flat()];
    const isGone = atHome === "no-repository";
    const mayBeElsewhere = unread.length > 0 || policies.some(({ stored }) => stored !== "no-repository");
    if (isGone && !(revokes && mayBeElsewhere)) throw notFound(context, name);
    const before = isGone ? noGrants : await settledGrants(context, name, held, atHome.text, call, revokes);
    held.refuseStale();
    const after = change(before);
    const text = await writeEverywhere(context, name, { policies, grants: after, named, revokes, unread }, held, call);
    return { grants: atomsOf(after), documentHash: policyHash(text), deleted: isGone, result: undefined };
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
    const stored = await readStoredPolicy(context, name, context.place.region, call);
    const text = stored === "no-repository" ? undefined : stored.text;
    const { own, adopted } = readPolicy(text, context.place);
    const grants = await held.settle(atomsOf(own), atomsOf(adopted));
    held.refuseStale();
    const result = await create();
    // What was recorded of a repository that is gone is not what the new one grants.
    return { grants: stored === "no-repository" ? [] : grants, documentHash: policyHash(text), result };
  });
}

/** Brings the grants of home to one replica, under the same lease as every edit. */
export async function copyGrants(
  context: EcrContext,
  { edits, key }: PolicyLeases,
  name: RoutableName,
  region: string,
  call: Call,
): Promise<void> {
  await edits.edit(key(name), {}, call, async (held) => {
    const policies = await readEverywhere(context, name, [context.place.region, region], call);
    const atHome = policies[0]?.stored;
    if (atHome === undefined || atHome === "no-repository") throw notFound(context, name);
    const grants = await settledGrants(context, name, held, atHome.text, call);
    const text = await writeEverywhere(context, name, { policies, grants }, held, call);
    return { grants: atomsOf(grants), documentHash: policyHash(text), result: undefined };
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
    const [atHome, ...replicas] = await readEverywhere(context, name, [context.place.region, ...regions], call);
    if (!atHome) throw notFound(context, name);
    const gone = atHome.stored === "no-repository";
    const text = atHome.stored === "no-repository" ? undefined : atHome.stored.text;
    const grants = gone ? noGrants : await settledGrants(context, name, held, text, call);
    await writeEverywhere(context, name, { policies: replicas, grants: noGrants }, held, call);
    return { grants: atomsOf(grants), documentHash: policyHash(text), result: undefined };
  });
}

async function readEverywhere(
  context: EcrContext,
  name: RoutableName,
  regions: readonly string[],
  call: Call,
): Promise<RegionPolicy[]> {
  return Promise.all(
    regions.map(async (region) => ({ region, stored: await readStoredPolicy(context, name, region, call) })),
  );
}

/**
 * What holds before this edit. Left out are roles of which AWS has made unique ids, since they are gone and cannot be sent,
 * and whatever was recorded of an earlier repository of the same name, which somebody deleted behind our back.
 */
async function settledGrants(
  context: EcrContext,
  name: RoutableName,
  held: Held,
  text: string | undefined,
  call: Call,
  revokes = false,
): Promise<GrantSet> {
  const { own, adopted, dropped } = readPolicy(text, context.place);
  const settled = fromAtoms(await held.settle(atomsOf(own), atomsOf(adopted)));
  if (text === undefined && (await wasRecreated(context, name, held, call, revokes))) return noGrants;
  if (dropped.length === 0) return settled;
  const known = new Set([...own.roles, ...adopted.roles]);
  return { ...settled, roles: settled.roles.filter((role) => known.has(role)) };
}

/** Asked only where a repository without a policy has grants on record: that is rare, and costs a request. */
async function wasRecreated(
  context: EcrContext,
  name: RoutableName,
  { record }: Held,
  call: Call,
  revokes: boolean,
): Promise<boolean> {
  if (!record || record.deleted || record.grants.length === 0) return false;
  try {
    const { createdAt } = await getRepository(context, name, call);
    return createdAt !== undefined && new Date(createdAt) > record.lastUpdated;
  } catch (error) {
    // It was deleted since its policy was read: a revocation goes on to its replicas.
    if (revokes && error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND") return true;
    throw error;
  }
}

interface Writes {
  readonly policies: readonly RegionPolicy[];
  readonly grants: GrantSet;
  readonly named?: readonly string[];
  /** Whether a document that cannot be written keeps the others from being written. */
  readonly revokes?: boolean;
  /** Regions that failed before. */
  readonly unread?: readonly RegionOutcome[];
}

/** Writes each document that differs. @returns the text at the first of the regions */
async function writeEverywhere(
  context: EcrContext,
  name: RoutableName,
  { policies, grants, named = [], revokes = false, unread = [] }: Writes,
  held: Held,
  call: Call,
): Promise<string | undefined> {
  const unfit: RegionOutcome[] = [];
  const documents = policies.flatMap(({ region, stored }) => {
    // A replica that does not exist yet gets its policy by the event of its replication.
    if (stored === "no-repository") return [];
    try {
      const text = writePolicy(stored.text, grants, context.place);
      return [{ region, text, differs: policyHash(stored.text) !== policyHash(text) }];
    } catch (error) {
      if (!revokes) throw error;
      unfit.push({ region, error });
      return [];
    }
  });
  const outcomes = await inEveryRegion(documents, async ({ region, text, differs }) => {
    if (!differs) return;
    try {
      await writeStoredPolicy(context, { name, region, text, named }, held, call);
    } catch (error) {
      // Whoever can pull from nowhere has lost the access that was to be revoked.
      if (revokes && isServiceError(error, "RepositoryNotFoundException")) return;
      throw explain(error, name, region, context);
    }
  });
  refuseFailures([...outcomes, ...unfit, ...unread], "The policy is as asked for");
  return documents[0]?.text;
}

function explain(error: unknown, name: RoutableName, region: string, context: EcrContext): unknown {
  if (!isServiceError(error, "RepositoryNotFoundException")) return error;
  if (region === context.place.region) return notFound(context, name, error);
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The replica in ${region} was deleted during the edit.`, {
    retryable: true,
    cause: error,
  });
}
