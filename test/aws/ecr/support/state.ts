import { byName } from "../../../../functions/aws/grants/grant.ts";
import { readPolicy } from "../../../../functions/aws/policy/read.ts";
import { policyOf } from "../../../emulators/aws/ecr/authorize.ts";
import { type Bench, regions, type Slot } from "./bench.ts";
import type { Reference } from "./injections.ts";

/** What AWS has of one repository. */
export interface Snapshot {
  readonly regions: readonly RegionState[];
}

interface RegionState {
  readonly region: string;
  readonly exists: boolean;
  /** In order. */
  readonly grants: readonly string[];
  /** Statements of others. */
  readonly foreign: readonly unknown[];
  readonly lifecycle: string | undefined;
}

export function snapshot({ stack }: Bench, { name }: Slot): Snapshot {
  const { world } = stack.emulator;
  return {
    regions: regions.map((region) => {
      const repository = world.registry(stack.account, region).repositories.get(name);
      const document = policyOf(world, repository);
      const text = document === undefined ? undefined : JSON.stringify(document);
      const { own, adopted, foreign } = readPolicy(text, { partition: stack.emulator.partition });
      return {
        region,
        exists: repository !== undefined,
        grants: [...byName([...own, ...adopted]).keys()].sort(),
        foreign,
        lifecycle: repository?.lifecyclePolicy?.text,
      };
    }),
  };
}

/** A region that cannot be reached fails no creation: its replica is made, or finished, by the same call again. */
function isDone(state: RegionState, was: RegionState | undefined, becomes: RegionState | undefined, index: number) {
  const isMade = index > 0 && was?.exists === false && becomes?.exists === true;
  if (isMade && !state.exists) return true;
  const finished = isMade && state.lifecycle === undefined ? { ...becomes, lifecycle: undefined } : becomes;
  return JSON.stringify(state) === JSON.stringify(finished);
}

/**
 * What of a state is neither before, nor after, nor in between: nobody may have more than before and after together,
 * nobody less than in both, and what others wrote is as it was.
 */
export function deviations({ before, after }: Reference, now: Snapshot, succeeded: boolean): string[] {
  if (
    succeeded &&
    now.regions.every((state, index) => isDone(state, before.regions[index], after.regions[index], index))
  ) {
    return [];
  }
  const problems = succeeded ? [`it succeeded and left ${JSON.stringify(now)}`] : [];
  for (const [index, state] of now.regions.entries()) {
    const [was, becomes] = [before.regions[index], after.regions[index]];
    if (was === undefined || becomes === undefined) throw new Error("The regions differ.");
    const fault = (what: string) => problems.push(`${state.region} ${what}: ${JSON.stringify(state)}`);
    if (state.exists !== was.exists && state.exists !== becomes.exists) fault("neither was there nor should be");
    if (!state.exists) continue;
    const either = new Set([...was.grants, ...becomes.grants]);
    if (state.grants.some((grant) => !either.has(grant))) fault("grants more than before and after");
    const both = was.grants.filter((grant) => becomes.grants.includes(grant));
    if (becomes.exists && both.some((grant) => !state.grants.includes(grant))) fault("lost what was granted");
    const others = was.exists ? was.foreign : becomes.foreign;
    if (JSON.stringify(state.foreign) !== JSON.stringify(others)) fault("changed what others wrote");
  }
  return problems;
}
