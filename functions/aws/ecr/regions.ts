import type { Call } from "../../../core/call.ts";
import { type EventTime, refuseStale } from "../../../core/event-time.ts";
import type { LeftOut } from "../../../core/schemas.ts";
import { consumerOf, grantsTo } from "../grants/changes.ts";
import type { GrantSet } from "../grants/grant.ts";
import { type RecordDraft, type RegistryRecord, regionsIn, statesOf } from "../lease/registry.ts";
import type { EcrContext, PolicyLeases } from "./context.ts";

/** The replica regions of a registry at one moment; home is in neither list. */
export interface Regions {
  /** These have the grants of home. */
  readonly here: readonly string[];
  /** These get no grants, and may still hold some: a revocation takes them away. */
  readonly leaving: readonly string[];
  /** Those whom AWS took into no policy when an edit last tried. */
  readonly refused: readonly LeftOut[];
  /** When each consumer's access was ended everywhere, of late. */
  readonly ended: RegistryRecord["ended"];
}

/**
 * Which regions an edit reaches. Whoever writes must call it under the repository's lease: provisioning first writes down that a region
 * leaves, and then waits for the lease of each repository, so that no edit that began before writes there afterwards.
 *
 * Once the registry was provisioned, its record says which regions are here, whatever the function's binding says: an old
 * binding may name regions that have left. Before, these are the regions that the binding names, and the record remembers
 * them, since a region that is dropped from the binding later may still hold grants.
 */
export async function regionsOf(context: EcrContext, { registry }: PolicyLeases, call: Call): Promise<Regions> {
  const record = await registry.read(call);
  if (record.provisioned) return recorded(record, context);
  const latest = context.latest ? await context.latest(call) : context;
  const here = latest.replicaRegions;
  const isRemembered = here.every((region) => record.regions[region]?.state === "here");
  const written = isRemembered ? record : await registry.change(call, (before) => remembering(before, here));
  if (written.provisioned) return recorded(written, latest);
  const leaving = Object.keys(written.regions).filter((region) => !here.includes(region));
  return { here, leaving, refused: written.refused, ended: written.ended };
}

/** The regions that have, or shall have, a replica of each repository. It only reads. */
export async function replicasOf(
  { place, replicaRegions }: EcrContext,
  { registry }: PolicyLeases,
  call: Call,
): Promise<readonly string[]> {
  const record = await registry.read(call);
  const here = record.provisioned ? regionsIn(record, "here", "filling") : replicaRegions;
  return here.filter((region) => region !== place.region);
}

/** The regions that may hold replicas, here or leaving. It only reads. */
export async function everyReplicaOf(
  { place, replicaRegions }: EcrContext,
  { registry }: PolicyLeases,
  call: Call,
): Promise<readonly string[]> {
  const known = new Set([...replicaRegions, ...Object.keys((await registry.read(call)).regions)]);
  known.delete(place.region);
  return [...known].sort();
}

/** @returns nothing to change where the registry was provisioned meanwhile */
function remembering(before: RegistryRecord, here: readonly string[]): RecordDraft | undefined {
  if (before.provisioned) return undefined;
  const named = here.map((region) => [region, "here"] as const);
  return { states: { ...statesOf(before), ...Object.fromEntries(named) } };
}

function recorded(record: RegistryRecord, { place, replicaRegions }: EcrContext): Regions {
  const here = regionsIn(record, "here", "filling");
  const leaving = new Set([...regionsIn(record, "leaving"), ...replicaRegions.filter((each) => !here.includes(each))]);
  leaving.delete(place.region);
  const { refused, ended } = record;
  return { here: here.filter((region) => region !== place.region), leaving: [...leaving], refused, ended };
}

/**
 * Writes down whom AWS refuses, for `describeRegistry`. What an edit found out about a region replaces what was known of the
 * same principals there.
 *
 * @param known as `regionsOf` answered it: where nothing is new, no request is sent
 * @param found whom AWS refused just now
 * @param isOver whether this edit has seen that it no longer matters: the principal was taken, or has no access any more
 */
export async function noteRefused(
  { registry }: PolicyLeases,
  known: readonly LeftOut[],
  found: readonly LeftOut[],
  isOver: (entry: LeftOut) => boolean,
  call: Call,
): Promise<void> {
  const has = (all: readonly LeftOut[], { principal, region }: LeftOut) =>
    all.some((each) => each.principal === principal && each.region === region);
  const after = (before: readonly LeftOut[]) => [
    ...before.filter((entry) => !isOver(entry) || has(found, entry)),
    ...found.filter((entry) => !has(before, entry)),
  ];
  if (after(known).length === known.length && known.every((entry) => has(after(known), entry))) return;
  await registry.change(call, (record) => ({ refused: after(record.refused) }));
}

/** @throws RESOURCE_CONFLICT (not retryable) for an event that would let in whose access was ended everywhere since */
export function refuseEnded(ended: Regions["ended"], added: GrantSet, asOf: EventTime): void {
  for (const [name, at] of Object.entries(ended)) {
    const { accounts, roles, workers } = grantsTo(consumerOf(name), added);
    if (accounts.length + roles.length + workers.length > 0) refuseStale(asOf, at);
  }
}
