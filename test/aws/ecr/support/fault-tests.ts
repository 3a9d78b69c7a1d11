import { faultTests as everyFault } from "../../../support/faults/fault-tests.ts";
import { Lanes } from "../../../support/faults/lanes.ts";
import type { Row } from "../../../support/faults/rows.ts";
import { startBench } from "./bench.ts";
import { inject, isNameless, type Kind, kinds, reference, upstreamTimeoutMs } from "./injections.ts";

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests(rows: readonly Row[]): void {
  everyFault<Kind>(rows, kinds, async () => {
    const bench = await startBench();
    const fast = bench.applications({});
    // The time of a whole operation is cut, so that nobody waits for four tries of the longest request.
    const slow = bench.applications({ upstreamTimeoutMs, operationTimeoutMs: 12_000 });
    const lanes = new Lanes({ fast: 4, slow: 20, alone: 1 });
    return {
      async prepare(row) {
        // Calls that name no repository are hit for everybody who makes them: nobody else may.
        const own = isNameless(row) ? "alone" : undefined;
        const wanted = await lanes.run(own ?? "fast", (number) => reference(bench, bench.slot(number), fast, row));
        return (injection) => {
          const isSlow = injection.kind === "slow";
          return lanes.run(own ?? (isSlow ? "slow" : "fast"), (number) =>
            inject(bench, bench.slot(number), { applications: isSlow ? slow : fast, patient: fast }, injection, wanted),
          );
        };
      },
      stop: () => bench.stop(),
    };
  });
}
