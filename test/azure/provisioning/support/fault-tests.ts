import { faultTests as everyFault } from "../../../support/faults/fault-tests.ts";
import { inject } from "../../../support/faults/inject.ts";
import { Lanes } from "../../../support/faults/lanes.ts";
import type { Row } from "../../../support/faults/rows.ts";
import { type Kind, kinds, patienceFor } from "../../acr/support/kinds.ts";
import { startBench } from "./bench.ts";
import { reference, stageOf } from "./stage.ts";

const lanesOf = { quick: 4, lasting: 20 };

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests(rows: readonly Row[]): void {
  everyFault<Kind>(rows, kinds, async () => {
    const bench = await startBench(lanesOf.quick + lanesOf.lasting);
    const lanes = new Lanes(lanesOf);
    return {
      async prepare(row) {
        const wanted = await lanes.run("quick", (number) => reference(bench.slot(number), row));
        return (injection) => {
          const lane = patienceFor(injection) === "quick" ? "quick" : "lasting";
          return lanes.run(lane, (number) => inject(stageOf(bench.slot(number), injection), injection, wanted));
        };
      },
      stop: () => bench.stop(),
    };
  });
}
