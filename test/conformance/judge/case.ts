import type { Registry } from "./registry.ts";

/**
 * Where a case's rule comes from: the specification's MUST, SHOULD and MAY (a registry may do without, but ours claims
 * it), an RFC that it rests on, or PRACTICE: what it leaves open but clients in use, or the token protocol, depend on.
 */
export type Level = "MUST" | "SHOULD" | "MAY" | "RFC" | "PRACTICE";

/** One leaf: it throws where the registry does not do what its name says. */
export type Check<S> = readonly [level: Level, name: string, check: (state: S, registry: Registry) => unknown];

export type Outcome = {
  readonly group: string;
  readonly level: Level;
  readonly name: string;
  readonly milliseconds: number;
  /** Why it failed. */
  readonly failure?: string;
};

export type Group = {
  readonly name: string;
  readonly size: number;
  run(registry: Registry): Promise<Outcome[]>;
};

/**
 * Cases that look at one scenario. Where the scenario itself cannot be played, each of them fails with the reason:
 * no case is ever skipped.
 */
export function group<S>(
  name: string,
  prepare: (registry: Registry) => Promise<S> | S,
  checks: readonly Check<S>[],
): Group {
  return {
    name,
    size: checks.length,
    async run(registry) {
      const outcomes: Outcome[] = [];
      const prepared = await attempt(async () => ({ state: await prepare(registry) }));
      for (const [level, title, check] of checks) {
        const from = performance.now();
        const { failure } = await attempt(async () => {
          if (prepared.value === undefined) throw new Error(`the scenario failed: ${prepared.failure}`);
          await check(prepared.value.state, registry);
        });
        const milliseconds = performance.now() - from;
        outcomes.push({ group: name, level, name: title, milliseconds, ...(failure === undefined ? {} : { failure }) });
      }
      return outcomes;
    },
  };
}

/** Cases that need no scenario. */
export function plain(name: string, checks: readonly Check<undefined>[]): Group {
  return group(name, () => undefined, checks);
}

/** Judges a registry: all groups, one after the other. */
export async function judge(registry: Registry, groups: readonly Group[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const one of groups) outcomes.push(...(await one.run(registry)));
  return outcomes;
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value?: T; failure?: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
