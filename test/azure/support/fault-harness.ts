import type { CallRecord, Fault } from "../../emulators/azure/index.ts";
import type { Harness } from "../../support/faults/fault-tests.ts";
import { inject, type Reference, type Stage } from "../../support/faults/inject.ts";
import type { Injection } from "../../support/faults/injections.ts";
import { Lanes } from "../../support/faults/lanes.ts";
import type { Row } from "../../support/faults/rows.ts";
import { type Kind, patienceFor } from "../acr/support/kinds.ts";

const lanesOf = { quick: 4, lasting: 20 };
/** How many slots it runs on at a time. */
export const slots = lanesOf.quick + lanesOf.lasting;

/** What the tests of a bench bring to the faults at its calls. */
export interface FaultBench<Slot, State> {
  slot(number: number): Slot;
  reference(slot: Slot, row: Row): Promise<Reference<State>>;
  stageOf(slot: Slot, injection: Injection<Kind>): Stage<Kind, Fault, CallRecord, State>;
  stop(): Promise<void>;
}

/** Injects each fault on a slot of its own: those that last wait in a lane where many can. */
export function faultHarness<Slot, State>(bench: FaultBench<Slot, State>): Harness<Kind> {
  const lanes = new Lanes(lanesOf);
  return {
    async prepare(row) {
      const wanted = await lanes.run("quick", (number) => bench.reference(bench.slot(number), row));
      return (injection) => {
        const lane = patienceFor(injection) === "quick" ? "quick" : "lasting";
        return lanes.run(lane, (number) => inject(bench.stageOf(bench.slot(number), injection), injection, wanted));
      };
    },
    stop: () => bench.stop(),
  };
}
