import { grantsOf, memberOf } from "../../../../functions/gcp/grants.ts";
import { readGrants } from "../../../../functions/gcp/policy/grants.ts";
import type { Reference } from "../../../support/faults/inject.ts";
import { type Bench, reader, type Slot } from "./bench.ts";

/** What Google Cloud has of one registry. */
export interface Snapshot {
  /** Members that may pull by our binding and that an operation may add or take away, in order. */
  readonly grants: readonly string[];
  /** Everything else of the policy. */
  readonly foreign: string;
  /** Image paths, and what is in them by digest and tag, in order. */
  readonly images: readonly string[];
}

export function snapshot({ stack }: Bench, { resource }: Slot): Snapshot {
  const { bindings, auditConfigs } = stack.gcp.policy(resource);
  const id = resource.slice(resource.lastIndexOf("/") + 1);
  const own = new Set([stack.pullAccount(id), stack.pushAccount(id)]);
  const granted = new Set(grantsOf(readGrants({ bindings }, own)).map(memberOf));
  const isGrant = (member: string) => granted.has(member) || member.startsWith("deleted:");
  const ours = bindings.filter(({ role, condition }) => role === reader && condition === undefined);
  const foreign = bindings.map((binding) =>
    ours.includes(binding) ? { ...binding, members: binding.members.filter((member) => !isGrant(member)) } : binding,
  );
  return {
    grants: ours.flatMap(({ members }) => members.filter(isGrant)).sort(),
    foreign: JSON.stringify([foreign, auditConfigs]).replaceAll(id, "{id}"),
    images: [...(stack.gcp.world.repositories.get(resource)?.packages.values() ?? [])]
      .flatMap(({ path, versions, tags }) => [
        path,
        ...[...versions.keys()].map((digest) => `${path}@${digest}`),
        ...[...tags].map(([tag, digest]) => `${path}:${tag}@${digest}`),
      ])
      .sort(),
  };
}

/**
 * What of a state is neither before, nor after, nor in between: nobody may have more than before and after together,
 * nobody less than in both, and what others wrote is as it was.
 */
export function deviations({ before, after }: Reference<Snapshot>, now: Snapshot, succeeded: boolean): string[] {
  if (succeeded) {
    return JSON.stringify(now) === JSON.stringify(after) ? [] : [`it succeeded and left ${JSON.stringify(now)}`];
  }
  const problems: string[] = [];
  for (const what of ["grants", "images"] as const) {
    const either = new Set([...before[what], ...after[what]]);
    const both = before[what].filter((each) => after[what].includes(each));
    if (now[what].some((each) => !either.has(each))) problems.push(`${what} of neither before nor after: ${now[what]}`);
    if (both.some((each) => !now[what].includes(each)))
      problems.push(`${what} that were to stay are gone: ${now[what]}`);
  }
  if (now.foreign !== before.foreign) problems.push(`what others wrote was changed: ${now.foreign}`);
  return problems;
}
