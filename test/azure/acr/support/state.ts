import type { Reference } from "../../../support/faults/inject.ts";
import { type Slot, theirs } from "./bench.ts";

/** What Azure has of one registry. */
export interface Snapshot {
  /** What scope maps allow, each action with the name of its scope map, in order; an operation may still be under way. */
  readonly actions: readonly string[];
  /** Paths that have images, and what is in them by digest and tag, in order. */
  readonly images: readonly string[];
  /** What others made. */
  readonly foreign: string;
}

export function snapshot({ registry, prefix, scopeMap }: Slot): Snapshot {
  // As every slot would have it.
  const plain = (text: string) => text.replaceAll(scopeMap, "{scopeMap}").replaceAll(prefix, "{prefix}");
  const own = [...registry.scopeMaps.values()].filter(({ type }) => type === "UserDefined");
  const isTheirs = ({ description }: { description: string | undefined }) => description === theirs.description;
  return {
    actions: own
      .filter((each) => !isTheirs(each))
      .flatMap(({ name, actions }) => actions.map((each) => plain(`${name} ${each}`)))
      .sort(),
    images: [...registry.repositories.values()]
      .flatMap(({ name, manifests, tags }) => [
        name,
        ...[...manifests.keys()].map((digest) => `${name}@${digest}`),
        ...[...tags.values()].map(({ name: tag, digest }) => `${name}:${tag}@${digest}`),
      ])
      .map(plain)
      .sort(),
    foreign: plain(JSON.stringify(own.filter(isTheirs).map(({ name, actions }) => [name, actions]))),
  };
}

/** What of a state is neither before, nor after, nor in between: nothing else is allowed, nothing that was to stay is gone. */
export function deviations({ before, after }: Reference<Snapshot>, now: Snapshot, succeeded: boolean): string[] {
  if (succeeded) {
    return JSON.stringify(now) === JSON.stringify(after) ? [] : [`it succeeded and left ${JSON.stringify(now)}`];
  }
  const problems: string[] = [];
  for (const what of ["actions", "images"] as const) {
    const either = new Set([...before[what], ...after[what]]);
    const both = before[what].filter((each) => after[what].includes(each));
    if (now[what].some((each) => !either.has(each))) problems.push(`${what} of neither before nor after: ${now[what]}`);
    if (both.some((each) => !now[what].includes(each))) {
      problems.push(`${what} that were to stay are gone: ${now[what]}`);
    }
  }
  if (now.foreign !== before.foreign) problems.push(`what others made was changed: ${now.foreign}`);
  return problems;
}
