import { faultTests } from "../../support/faults/fault-tests.ts";
import { faultHarness, slots } from "../support/fault-harness.ts";
import { rows } from "./calls.golden.ts";
import { startBench } from "./support/bench.ts";
import { reference } from "./support/goes.ts";
import { type Kind, kinds } from "./support/kinds.ts";
import { stageOf } from "./support/stage.ts";

faultTests<Kind>(rows, kinds, async () => {
  const bench = await startBench(slots);
  for (let number = 1; number <= slots; number++) {
    for (const patience of ["quick", "brief", "impatient"] as const) await bench.slot(number).warm(patience);
  }
  return faultHarness({ ...bench, reference, stageOf: (slot, injection) => stageOf(bench, slot, injection) });
});
