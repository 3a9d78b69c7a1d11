import type { CallRecord, Fault } from "../../../emulators/azure/index.ts";
import type { Stage } from "../../../support/faults/inject.ts";
import type { Injection } from "../../../support/faults/injections.ts";
import type { WireAnswer } from "../../../support/suite.ts";
import { type Bench, type Slot, theirs } from "./bench.ts";
import { again, arranged, said, scenarioOf } from "./goes.ts";
import { canary, type Kind, kinds, patienceFor } from "./kinds.ts";
import { deviations, type Snapshot, snapshot } from "./state.ts";

/** What a fault at one call of a row is injected into, on a slot. */
export function stageOf(
  { azure }: Bench,
  slot: Slot,
  { row, call }: Injection<Kind>,
): Stage<Kind, Fault, CallRecord, Snapshot> {
  const { entra, tokens } = azure.world;
  return {
    kinds,
    faults: azure.faults,
    calls: azure.calls,
    async arrange(injection) {
      const run = await arranged(slot, row, patienceFor(injection));
      return { suite: run.suite, run: () => scenarioOf(row).run(run), again: () => again(run, row) };
    },
    isMeant: (seen) => `${seen.service}:${seen.action}` === call && slot.isAbout(seen),
    isAbout: slot.isAbout,
    snapshot: () => snapshot(slot),
    deviations,
    said: (answer) => said(slot, row, answer),
    worth: ({ body, text }: WireAnswer) =>
      accessOf(String(body.password)) === JSON.stringify([wantedAccess(slot, row.title)])
        ? []
        : [`it answered what opens something else: ${text}`],
    // In errors, and in the log, also what concerns others.
    secrets: (answer) => [
      canary,
      ...[...entra.signer.signed, ...tokens.signer.signed].filter(
        (token) => answer?.status !== 200 || token !== answer.body.password,
      ),
      ...(answer?.status === 200 ? [] : [theirs.description]),
    ],
  };
}

const wantedAccess = ({ repository }: Slot, title: string) => ({
  type: "repository",
  name: repository,
  actions: title === "push-pull" ? ["pull", "push", "metadata_read"] : ["pull", "metadata_read"],
});

/** What a token says that it opens. */
function accessOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { access?: unknown };
  return JSON.stringify(claims.access);
}
