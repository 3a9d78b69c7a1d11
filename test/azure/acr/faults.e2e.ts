import { faultTests } from "../../support/faults/fault-tests.ts";
import { inject } from "../../support/faults/inject.ts";
import { Lanes } from "../../support/faults/lanes.ts";
import { rows } from "./calls.golden.ts";
import { startBench } from "./support/bench.ts";
import { reference } from "./support/goes.ts";
import { type Kind, kinds, patienceFor } from "./support/kinds.ts";
import { stageOf } from "./support/stage.ts";

const lanesOf = { quick: 4, lasting: 20 };

faultTests<Kind>(rows, kinds, async () => {
  const slots = lanesOf.quick + lanesOf.lasting;
  const bench = await startBench(slots);
  for (let number = 1; number <= slots; number++) {
    for (const patience of ["quick", "brief", "impatient"] as const) await bench.slot(number).warm(patience);
  }
  const lanes = new Lanes(lanesOf);
  return {
    async prepare(row) {
      const wanted = await lanes.run("quick", (number) => reference(bench.slot(number), row));
      return (injection) => {
        const lane = patienceFor(injection) === "quick" ? "quick" : "lasting";
        return lanes.run(lane, (number) => inject(stageOf(bench, bench.slot(number), injection), injection, wanted));
      };
    },
    stop: () => bench.stop(),
  };
});
