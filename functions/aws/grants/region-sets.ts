import type { Regions, WorkerGrants } from "./grant.ts";
import { byCodeUnit } from "./order.ts";

/** Accounts whose workers may pull from the same regions. */
export interface RegionSet {
  readonly regions: Regions;
  readonly accountIds: readonly string[];
}

/** Gathers accounts by their set of regions, in canonical order, `any` first: accounts × regions, written once. */
export function regionSets(workers: readonly WorkerGrants[]): RegionSet[] {
  const sets = new Map<string, { regions: Regions; accountIds: string[] }>();
  for (const { accountId, regions } of workers) {
    const key = regions === "any" ? "" : regions.join(",");
    const set = sets.get(key) ?? { regions, accountIds: [] };
    set.accountIds.push(accountId);
    sets.set(key, set);
  }
  return [...sets].sort(([a], [b]) => byCodeUnit(a, b)).map(([, set]) => set);
}
