import { ArtifactRegistryError } from "../../../core/errors.ts";

/** How a change went in one region. */
export interface RegionOutcome {
  readonly region: string;
  /** What went wrong there; absent where nothing did. */
  readonly error?: unknown;
}

/** Does the same in every region, whatever becomes of the others. */
export async function inEveryRegion<T extends { readonly region: string }>(
  regions: readonly T[],
  work: (each: T) => Promise<void>,
): Promise<RegionOutcome[]> {
  const settled = await Promise.allSettled(regions.map(work));
  return regions.map(({ region }, index) => {
    const outcome = settled[index];
    return { region, ...(outcome?.status === "rejected" && { error: outcome.reason }) };
  });
}

/**
 * Refuses where any region failed, saying which: the others were changed. Repeated by itself only if that can help
 * everywhere.
 *
 * @param what was done, as `The policy was changed`
 */
export function refuseFailures(outcomes: readonly RegionOutcome[], what: string): void {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const worst = failed.find(({ error }) => !(error instanceof ArtifactRegistryError && error.retryable)) ?? failed[0];
  if (worst === undefined) return;
  const { error } = worst;
  const done = outcomes.filter((outcome) => outcome.error === undefined);
  if (!(error instanceof ArtifactRegistryError) || done.length === 0) throw error;
  const list = (regions: readonly RegionOutcome[]) => regions.map(({ region }) => region).join(", ");
  const { code, message, retryable, context, retryAfterSeconds, hint } = error;
  throw new ArtifactRegistryError(code, `${message} ${what} in ${list(done)}, and may not be in ${list(failed)}.`, {
    retryable,
    hint: `${hint === undefined ? "" : `${hint} `}The same call again finishes it.`,
    ...(context && { context }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    cause: error,
  });
}
