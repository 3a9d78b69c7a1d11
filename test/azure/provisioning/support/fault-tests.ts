import { faultTests as everyFault } from "../../../support/faults/fault-tests.ts";
import type { Row } from "../../../support/faults/rows.ts";
import { type Kind, kinds } from "../../acr/support/kinds.ts";
import { faultHarness, slots } from "../../support/fault-harness.ts";
import { startBench } from "./bench.ts";
import { reference, stageOf } from "./stage.ts";

/** Every kind of fault at every call of these rows, and what must hold then. */
export function faultTests(rows: readonly Row[]): void {
  everyFault<Kind>(rows, kinds, async () => faultHarness({ ...(await startBench(slots)), reference, stageOf }));
}
