import fc from "fast-check";
import { describe, test } from "vitest";
import { sequences } from "./commands.ts";
import { run } from "./run.ts";

/** Few enough that a machine which is ten times too busy ends them before a test's limit. */
const most = 50;

/**
 * The property of cross-account access: whatever happens, in whichever order, and whoever dies in the midst of it, those may
 * pull who should, in every region, and nobody who was revoked.
 *
 * `MODEL_RUNS` chooses another number of sequences, and `MODEL_SEED` others. With the seed and the path of a failure as
 * `MODEL_SEED` and `MODEL_PATH`, only that one is run.
 *
 * @param numRuns how many sequences there are
 */
export function modelProperty(numRuns: number): void {
  const { MODEL_RUNS = numRuns, MODEL_SEED = 14, MODEL_PATH: path } = process.env;
  const perTest = Math.min(most, Number(MODEL_RUNS));
  const tests = path === undefined ? Math.ceil(Number(MODEL_RUNS) / perTest) : 1;
  const seeds = Array.from({ length: tests }, (_, index) => Number(MODEL_SEED) + index);
  describe("whatever happens, those may pull who should, and nobody who was revoked", () => {
    test.each(seeds)(`${perTest} sequences of seed %i`, async (seed) => {
      const replayed = path === undefined ? {} : { path, endOnFailure: true };
      await fc.assert(fc.asyncProperty(sequences, run), { numRuns: perTest, seed, ...replayed });
    });
  });
}
