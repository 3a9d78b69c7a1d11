import type { CallRecord, Fault } from "../../../emulators/azure/index.ts";
import type { Reference, Stage } from "../../../support/faults/inject.ts";
import type { Injection } from "../../../support/faults/injections.ts";
import type { Row } from "../../../support/faults/rows.ts";
import type { TestSuite, WireAnswer } from "../../../support/suite.ts";
import type { Patience } from "../../acr/support/bench.ts";
import { canary, type Kind, kinds, patienceFor } from "../../acr/support/kinds.ts";
import type { Slot } from "./bench.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { deviations, type Snapshot, snapshot } from "./snapshot.ts";

export function scenarioOf({ operation, title }: Row): Scenario {
  const scenario = scenarios[operation]?.[title];
  if (scenario === undefined) throw new Error(`Nothing runs ${operation}: ${title}.`);
  return scenario;
}

/** Brings about what a row starts from. @returns a process that has just started */
export async function arranged(slot: Slot, row: Row, patience: Patience): Promise<TestSuite> {
  await slot.clear();
  const { arrange, own } = scenarioOf(row);
  await arrange?.(slot);
  return slot.open(patience, own);
}

export function run(suite: TestSuite, row: Row): Promise<WireAnswer> {
  return suite.ask(row.operation, scenarioOf(row).input ?? {});
}

/** Runs a row undisturbed. */
export async function reference(slot: Slot, row: Row): Promise<Reference<Snapshot>> {
  const suite = await arranged(slot, row, "quick");
  const before = snapshot(slot);
  const answer = await run(suite, row);
  const { status, body } = answer;
  return { before, after: snapshot(slot), status, code: body.code, said: said(slot, answer) };
}

/** A success as every slot would tell it. */
function said({ name }: Slot, { status, text }: WireAnswer): string | undefined {
  return status === 200
    ? text.replaceAll(name, "{registry}").replaceAll(name.replace("images", "group"), "{group}")
    : undefined;
}

/** What a fault at one call of a row is injected into, on a slot. */
export function stageOf(slot: Slot, { row, call }: Injection<Kind>): Stage<Kind, Fault, CallRecord, Snapshot> {
  const { azure } = slot;
  const { entra, tokens } = azure.world;
  return {
    kinds,
    faults: azure.faults,
    calls: azure.calls,
    async arrange(injection) {
      const suite = await arranged(slot, row, patienceFor(injection));
      const { own } = scenarioOf(row);
      return { suite, run: () => run(suite, row), again: () => run(slot.open("quick", own), row) };
    },
    isMeant: (seen) => `${seen.service}:${seen.action}` === call && slot.isAbout(seen),
    isAbout: slot.isAbout,
    snapshot: () => snapshot(slot),
    deviations,
    said: (answer) => said(slot, answer),
    worth: () => [],
    secrets: () => [canary, ...entra.signer.signed, ...tokens.signer.signed],
  };
}
