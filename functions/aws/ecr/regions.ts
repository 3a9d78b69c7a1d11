import type { Call } from "../../../core/call.ts";
import { type RecordDraft, type RegistryRecord, regionsIn, statesOf } from "../lease/registry.ts";
import type { EcrContext, PolicyLeases } from "./context.ts";

/** The replica regions of a registry at one moment; home is in neither list. */
export interface Regions {
  /** These have the grants of home. */
  readonly here: readonly string[];
  /** These get no grants, and may still hold some: a revocation takes them away. */
  readonly leaving: readonly string[];
}

/**
 * Which regions an edit reaches. It is to be called under the repository's lease: provisioning first writes down that a region
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
  return { here, leaving: Object.keys(written.regions).filter((region) => !here.includes(region)) };
}

/** @returns nothing to change where the registry was provisioned meanwhile */
function remembering(before: RegistryRecord, here: readonly string[]): RecordDraft | undefined {
  if (before.provisioned) return undefined;
  const named = here.map((region) => [region, "here"] as const);
  return { provisioned: false, states: { ...statesOf(before), ...Object.fromEntries(named) } };
}

function recorded(record: RegistryRecord, { place, replicaRegions }: EcrContext): Regions {
  const here = regionsIn(record, "here", "filling");
  const leaving = new Set([...regionsIn(record, "leaving"), ...replicaRegions.filter((each) => !here.includes(each))]);
  leaving.delete(place.region);
  return { here: here.filter((region) => region !== place.region), leaving: [...leaving] };
}
