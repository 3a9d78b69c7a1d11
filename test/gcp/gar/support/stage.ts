import type { CallRecord, Fault } from "../../../emulators/gcp/index.ts";
import type { Stage } from "../../../support/faults/inject.ts";
import type { Injection } from "../../../support/faults/injections.ts";
import type { WireAnswer } from "../../../support/suite.ts";
import { type Bench, type Slot, theirs } from "./bench.ts";
import { again, arranged, said, scenarioOf } from "./goes.ts";
import { canary, type Kind, kinds, patienceFor } from "./kinds.ts";
import { deviations, type Snapshot, snapshot } from "./state.ts";

/** What a fault at one call of a row is injected into, on a slot. */
export function stageOf(
  bench: Bench,
  slot: Slot,
  { row, call }: Injection<Kind>,
): Stage<Kind, Fault, CallRecord, Snapshot> {
  const { faults, calls, world } = bench.stack.gcp;
  return {
    kinds,
    faults,
    calls,
    async arrange(injection) {
      const run = await arranged(slot, row, patienceFor(injection));
      return { suite: run.suite, run: () => scenarioOf(row).run(run), again: () => again(run, row) };
    },
    isMeant: (seen) => `${seen.service}:${seen.action}` === call && (seen.service === "metadata" || slot.isAbout(seen)),
    isAbout: (seen) => slot.isAbout(seen),
    snapshot: () => snapshot(bench, slot),
    deviations,
    said: (answer) => said(slot, row, answer),
    // Credentials that were answered are those of one who may have them.
    worth: ({ body, text }: WireAnswer) =>
      world.tokens.all().includes(String(body.password)) ? [] : [`it answered what is no token: ${text}`],
    // In errors, and in the log, also what concerns others.
    secrets: (answer) => [
      canary,
      ...world.tokens.all().filter((token) => answer?.status !== 200 || token !== answer.body.password),
      ...(answer?.status === 200 ? [] : [theirs.member, "ops@example.com"]),
    ],
  };
}
