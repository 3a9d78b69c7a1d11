import type { Outcome } from "./judge/case.ts";

/** One line for each case that failed. Returns how many there are. */
export function printFailures(outcomes: readonly Outcome[]): number {
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  for (const { group, level, name, failure = "" } of failed) {
    console.log(`failed: ${level} ${group}: ${name}: ${failure.replace(/\s+/g, " ").trim()}`);
  }
  return failed.length;
}
