import { faultTests as everyFault } from "../../../support/faults/fault-tests.ts";
import { Gate } from "../../../support/faults/gate.ts";
import { inject } from "../../../support/faults/inject.ts";
import { Lanes } from "../../../support/faults/lanes.ts";
import type { Row } from "../../../support/faults/rows.ts";
import { type Bench, startBench } from "./bench.ts";
import { reference, scenarioOf } from "./goes.ts";
import { isOfMetadata, type Kind, kinds, patienceFor } from "./kinds.ts";
import { makeConsumers } from "./scenarios.ts";
import { stageOf } from "./stage.ts";

const lanesOf = { quick: 4, lasting: 24 };
const slots = lanesOf.quick + lanesOf.lasting;

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests(rows: readonly Row[]): void {
  everyFault<Kind>(rows, kinds, async () => {
    const bench = await startBench(slots);
    makeConsumers(bench.stack.gcp);
    await warm(bench, rows);
    const lanes = new Lanes(lanesOf);
    // The metadata server cannot tell for which registry it is asked: while it is at fault, nobody else may ask it.
    const metadata = new Gate();
    return {
      async prepare(row) {
        const cold = scenarioOf(row).cold ?? false;
        const go = <T>(work: () => Promise<T>, alone = false) =>
          alone ? metadata.alone(work) : cold ? metadata.together(work) : work();
        const wanted = await go(() => lanes.run("quick", (number) => reference(bench, bench.slot(number), row)));
        return (injection) => {
          const lane = patienceFor(injection) === "quick" ? "quick" : "lasting";
          const run = () =>
            lanes.run(lane, (number) => inject(stageOf(bench, bench.slot(number), injection), injection, wanted));
          return go(run, isOfMetadata(injection.call));
        };
      },
      stop: () => bench.stop(),
    };
  });
}

/** So that nobody asks the metadata server later but who is meant to. */
async function warm(bench: Bench, rows: readonly Row[]): Promise<void> {
  const variants = new Set(["plain" as const, ...rows.map((row) => scenarioOf(row).variant ?? "plain")]);
  for (let number = 1; number <= slots; number++) {
    for (const variant of variants) {
      await bench.slot(number).warm("quick", variant);
      if (number <= lanesOf.quick) continue;
      for (const patience of ["brief", "impatient"] as const) await bench.slot(number).warm(patience, variant);
    }
  }
}
