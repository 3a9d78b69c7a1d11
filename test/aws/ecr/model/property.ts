import fc from "fast-check";
import { test } from "vitest";
import { sequences } from "./commands.ts";
import { run } from "./run.ts";

/**
 * The property of cross-account access: whatever happens, in whichever order, and whoever dies in the midst of it, those may
 * pull who should, in every region, and nobody who was revoked.
 *
 * @param numRuns how many sequences; `MODEL_RUNS` and `MODEL_SEED` choose others
 */
export function modelProperty(numRuns: number): void {
  const { MODEL_RUNS = numRuns, MODEL_SEED = 14 } = process.env;
  test(`${MODEL_RUNS} sequences of seed ${MODEL_SEED} leave access as the design says`, async () => {
    await fc.assert(fc.asyncProperty(sequences, run), { numRuns: Number(MODEL_RUNS), seed: Number(MODEL_SEED) });
  });
}
