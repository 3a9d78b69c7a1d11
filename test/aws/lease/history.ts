import type { Change } from "./edit.ts";

/** A change that somebody asked for. Times are of one clock, in milliseconds. */
export interface Attempt extends Change {
  readonly start: number;
  /** When it was acknowledged; absent where it was not, and may have been applied at any time, or never. */
  readonly end?: number;
}

/**
 * What of an end state cannot be explained: a grant may be there only if the last word about it may have been an
 * addition, and be missing only if that may have been a removal, or nothing. An attempt may have been the last one
 * unless one that was acknowledged began after it had ended.
 */
export function unexplained(attempts: readonly Attempt[], grants: readonly string[]): string[] {
  const byGrant = Map.groupBy(attempts, (attempt) => attempt.grant);
  const faults = grants.filter((grant) => !byGrant.has(grant)).map((grant) => `${grant} was never added`);
  for (const [grant, all] of byGrant) {
    const acknowledged = all.filter((attempt) => attempt.end !== undefined);
    const latestStart = Math.max(...acknowledged.map((attempt) => attempt.start));
    const last = all.filter((attempt) => (attempt.end ?? Number.POSITIVE_INFINITY) >= latestStart);
    const kind = grants.includes(grant) ? "add" : "remove";
    const untouched = kind === "remove" && acknowledged.length === 0;
    if (!untouched && !last.some((attempt) => attempt.kind === kind)) {
      faults.push(
        `${grant} is ${kind === "add" ? "there, although it was removed" : "missing, although it was added"}`,
      );
    }
  }
  return faults;
}
