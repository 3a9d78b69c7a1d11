import { faultTests as everyFault } from "../../../support/faults/fault-tests.ts";
import { Lanes } from "../../../support/faults/lanes.ts";
import type { Row } from "../../../support/faults/rows.ts";
import { type Slot, startBench } from "./bench.ts";
import { inject, isNameless, type Kind, kinds, reference, upstreamTimeoutMs } from "./injections.ts";

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests(rows: readonly Row[]): void {
  everyFault<Kind>(rows, kinds, async () => {
    const widths = { fast: 4, slow: 20, alone: 1 };
    const numbers = widths.fast + widths.slow + widths.alone;
    const bench = await startBench(numbers);
    const lanes = new Lanes(widths);
    const slots = Array.from({ length: numbers }, (_, index) => bench.slot(index + 1));
    const open = (slot: Slot) => ({
      slot,
      fast: bench.applications({}, slot),
      // The time of a whole operation is cut, so that nobody waits for four tries of the longest request.
      slow: bench.applications({ upstreamTimeoutMs, operationTimeoutMs: 12_000 }, slot),
    });
    const all = slots.map(open);
    const at = (number: number) => {
      const found = all[number - 1];
      if (found === undefined) throw new Error(`There is no slot ${number}.`);
      return found;
    };
    return {
      async prepare(row) {
        // Calls that name no repository are hit for everybody who makes them: nobody else may.
        const own = isNameless(row) ? "alone" : undefined;
        const wanted = await lanes.run(own ?? "fast", (number) => {
          const { slot, fast } = at(number);
          return reference(bench, slot, fast, row);
        });
        return (injection) => {
          const isSlow = injection.kind === "slow";
          return lanes.run(own ?? (isSlow ? "slow" : "fast"), (number) => {
            // An application asks for its account once: one that shall be disturbed in that is new.
            const { slot, fast, slow } = isNameless(row) ? open(at(number).slot) : at(number);
            return inject(bench, slot, { applications: isSlow ? slow : fast, patient: fast }, injection, wanted);
          });
        };
      },
      stop: () => bench.stop(),
    };
  });
}
