import type { Reference } from "../../../support/faults/inject.ts";
import type { Slot } from "./bench.ts";

/** What Azure has of one slot's registry, so that every state can be told from every other. */
export interface Snapshot {
  /** What is open and who may do what, in order. */
  readonly own: readonly string[];
  /** What others have in the group. */
  readonly theirs: string;
}

export function snapshot({ azure, name, scope, serving, isOwn }: Slot): Snapshot {
  const { registries, assignments, roles } = azure.world;
  const found = registries.get(name);
  const who = (id: string) => {
    if (id === serving.principalId) return "serving";
    return isOwn(id) ? "itself" : "another";
  };
  const own = found
    ? [
        `registry ${JSON.stringify(found.tags)} ${found.sku} ${found.mode}`,
        ...(found.adminUserEnabled ? ["admin"] : []),
        ...(found.anonymousPullEnabled ? ["anonymous"] : []),
        ...[...found.repositories.keys()].map((path) => `images ${path}`),
        ...assignments
          .list()
          .filter((each) => each.scope === scope)
          .map(({ principalId, roleId }) => `${who(principalId)} ${roles.find(roleId)?.name}`),
      ]
    : [];
  const neighbour = registries.get(name.replace(/images$/, "theirs"));
  // Several processes that are the same to the registry are one.
  return {
    own: [...new Set(own)].sort(),
    theirs: JSON.stringify([neighbour?.tags, neighbour?.sku, neighbour?.adminUserEnabled]),
  };
}

/** What of a state is neither before, nor after, nor in between: nobody has more, and nothing that was to stay is gone. */
export function deviations({ before, after }: Reference<Snapshot>, now: Snapshot, succeeded: boolean): string[] {
  if (succeeded) {
    return JSON.stringify(now) === JSON.stringify(after) ? [] : [`it succeeded and left ${JSON.stringify(now)}`];
  }
  const problems: string[] = [];
  const either = new Set([...before.own, ...after.own]);
  const both = before.own.filter((each) => after.own.includes(each));
  if (now.own.some((each) => !either.has(each))) problems.push(`what is neither before nor after: ${now.own}`);
  if (both.some((each) => !now.own.includes(each))) problems.push(`what was to stay is gone: ${now.own}`);
  if (now.theirs !== before.theirs) problems.push(`what others have was changed: ${now.theirs}`);
  return problems;
}
