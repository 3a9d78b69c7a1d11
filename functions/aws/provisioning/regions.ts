import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { clearReplicas, copyGrants, holdsGrants } from "../ecr/access.ts";
import { readPolicyIn } from "../ecr/policies.ts";
import { type RegistryRecord, regionsIn, statesOf } from "../lease/registry.ts";
import { inTurns, isInside, withPrefix } from "./repositories.ts";
import type { Site } from "./site.ts";

/**
 * Writes down which replica regions the registry has from now on, before anything is done about it. Regions that it did not
 * have are filling, and all others that it is known to have had are leaving.
 */
export function declareRegions(
  { context, leases }: Site,
  wanted: readonly string[],
  known: readonly string[],
  call: Call,
): Promise<RegistryRecord> {
  return leases.registry.change(call, (record) => {
    const all = new Set([...Object.keys(record.regions), ...known, ...wanted]);
    all.delete(context.place.region);
    const stateOf = (region: string) => {
      if (!wanted.includes(region)) return "leaving";
      return record.provisioned && record.regions[region]?.state === "here" ? "here" : "filling";
    };
    return { provisioned: true, states: Object.fromEntries([...all].map((region) => [region, stateOf(region)])) };
  });
}

/**
 * Finishes what was written down: regions that are leaving lose our grants and are forgotten, and then regions that are
 * filling get those of home. If it ends in the middle, the next call goes on from there.
 *
 * @returns the record as it is then; what somebody else has changed in it meanwhile stays
 */
export async function finishRegions(site: Site, declared: RegistryRecord, call: Call): Promise<RegistryRecord> {
  const { registry } = site.leases;
  const unchanged = (regions: readonly string[], record: RegistryRecord) =>
    regions.filter((region) => record.regions[region]?.since === declared.regions[region]?.since);
  const progress = (regions: readonly string[]): Progress => ({
    // Those that came furthest have to wait for the others.
    from: regions.map((region) => declared.regions[region]?.done ?? "").sort()[0] ?? "",
    async reached(name) {
      await registry.change(call, (record) => {
        const done = Object.fromEntries(unchanged(regions, record).map((region) => [region, name]));
        return { done };
      });
    },
  });

  let record = declared;
  const leaving = regionsIn(declared, "leaving");
  if (leaving.length > 0) {
    await clearRegions(site, leaving, call, { progress: progress(leaving) });
    record = await registry.change(call, (now) => {
      const gone = unchanged(leaving, now);
      const states = Object.entries(statesOf(now)).filter(([region]) => !gone.includes(region));
      return { states: Object.fromEntries(states) };
    });
  }
  for (const region of regionsIn(declared, "filling")) {
    await fillRegion(site, region, progress([region]), call);
    record = await registry.change(call, (now) => ({
      states: { ...statesOf(now), ...(unchanged([region], now).length > 0 && { [region]: "here" as const }) },
    }));
  }
  return record;
}

/** How far an earlier call came, and what writes down how far this one has come. */
interface Progress {
  /** Repositories up to this name are done. */
  readonly from: string;
  reached(name: string): Promise<void>;
}

/** How many repositories are worked on before it is written down. */
const chunk = 50;

/**
 * Works on all of them in the order of their names, also where one of them fails, and writes down how far it came.
 *
 * @throws what the first failure threw
 */
async function inOrder(
  names: readonly RoutableName[],
  work: (name: RoutableName) => Promise<void>,
  progress: Progress | undefined,
  call: Call,
): Promise<void> {
  const failures: unknown[] = [];
  const sorted = [...names].sort();
  for (let at = 0; at < sorted.length; at += chunk) {
    // When the time is over every request fails, and what was begun still has to be given back.
    if (failures.length > 0 && call.signal.aborted) break;
    await inTurns(sorted.slice(at, at + chunk), work, "go on").catch((error: unknown) => failures.push(error));
    const last = sorted[at + chunk - 1];
    if (failures.length === 0 && last !== undefined) await progress?.reached(last);
  }
  if (failures.length > 0) throw failures[0];
}

/** How many times a region is looked through. Only somebody who writes without a lease makes so many necessary. */
const passes = 10;

/**
 * Removes our grants from all repositories of the registry in regions that it no longer has. It looks through them until it
 * finds nothing any more. The first look takes the lease of each repository, also of those that have no replica there yet:
 * an edit that began before the region left is over then, and functions of earlier versions, which would go on writing
 * there, are fenced out. Each name is leased once for all regions, because a lease is not given back at once if one of its
 * writes got no answer.
 *
 * @param spared names of repositories that stay as they are
 */
export async function clearRegions(
  site: Site,
  regions: readonly string[],
  call: Call,
  { spared = [], progress }: { readonly spared?: readonly string[]; readonly progress?: Progress } = {},
): Promise<void> {
  const { context, leases } = site;
  if (regions.length === 0) return;
  const visited = new Set<string>();
  for (let pass = 1; pass <= passes; pass++) {
    let found = 0;
    const all = await namesIn(site, [context.place.region, ...regions], call);
    const names = all.filter((name) => !spared.includes(name));
    if (pass === 1 && progress) for (const name of names.filter((each) => each <= progress.from)) visited.add(name);
    const visit = async (name: RoutableName) => {
      const isNew = !visited.has(name);
      if (!isNew && !(await grantsSomewhere(site, name, regions, call))) return;
      visited.add(name);
      const cleared = await clearReplicas(context, leases, name, regions, call);
      if (isNew || cleared) found++;
    };
    await inOrder(names, visit, pass === 1 ? progress : undefined, call);
    if (found === 0) return;
  }
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `Grants keep coming back in ${regions.join(", ")}.`, {
    retryable: true,
    hint: "Find who writes the policies of these repositories beside the functions.",
  });
}

async function grantsSomewhere({ context }: Site, name: RoutableName, regions: readonly string[], call: Call) {
  const policies = await Promise.all(regions.map((region) => readPolicyIn(region, context, name, call)));
  return policies.some(holdsGrants);
}

/** Brings the grants of home to the replicas that a region has already. Those that come later get them by their event. */
async function fillRegion(site: Site, region: string, progress: Progress, call: Call): Promise<void> {
  const { context, leases } = site;
  const replicas = await namesIn(site, [region], call);
  // A region that is new has none, and nobody needs to look through home then.
  const atHome = new Set(replicas.length > 0 ? await namesIn(site, [context.place.region], call) : []);
  const fill = async (name: RoutableName) => {
    try {
      await copyGrants(context, leases, name, region, call);
    } catch (error) {
      // It was deleted at home meanwhile: then there is nothing to copy.
      if (!(error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND")) throw error;
    }
  };
  const left = replicas.filter((name) => atHome.has(name) && name > progress.from);
  await inOrder(left, fill, progress, call);
}

/** The names of the registry's repositories in these regions, its own among them, each once. */
async function namesIn({ context }: Site, regions: readonly string[], call: Call): Promise<RoutableName[]> {
  const { repositoryPrefix: prefix } = context.binding;
  const found = await Promise.all(regions.map((region) => withPrefix(context, prefix, region, call)));
  const names = found.flat().map(({ name }) => name);
  return [...new Set(names.filter((name) => name === prefix || isInside(name, prefix)))] as RoutableName[];
}
