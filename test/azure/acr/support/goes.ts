import type { Reference } from "../../../support/faults/inject.ts";
import type { Row } from "../../../support/faults/rows.ts";
import type { WireAnswer } from "../../../support/suite.ts";
import type { Patience, Slot } from "./bench.ts";
import { type Run, type Scenario, scenarios } from "./scenarios.ts";
import { type Snapshot, snapshot } from "./state.ts";

export function scenarioOf({ operation, title }: Row): Scenario {
  const scenario = scenarios[operation]?.[title];
  if (scenario === undefined) throw new Error(`Nothing runs ${operation}: ${title}.`);
  return scenario;
}

let goes = 0;

/** Brings about what a row starts from. */
export async function arranged(slot: Slot, row: Row, patience: Patience): Promise<Run> {
  const { cold = false, variant, arrange } = scenarioOf(row);
  const caller = `caller-${++goes}`;
  slot.clear();
  const suite = cold ? slot.open(patience, variant) : await slot.warm(patience);
  // A credential that shall be there already must be in the cache of the suite that is asked again.
  const arranging = row.operation === "generateCredentials" ? suite : await slot.warm("quick");
  await arrange?.({ slot, suite: arranging, caller });
  return { slot, suite, caller };
}

/** Runs it again as one who waits, and has not asked before. */
export async function again(run: Run, row: Row): Promise<WireAnswer> {
  return scenarioOf(row).run({ ...run, suite: await run.slot.warm("quick"), caller: `${run.caller}-again` });
}

/** Runs a row undisturbed. */
export async function reference(slot: Slot, row: Row): Promise<Reference<Snapshot>> {
  const run = await arranged(slot, row, "quick");
  const before = snapshot(slot);
  const answer = await scenarioOf(row).run(run);
  const { status, body } = answer;
  return { before, after: snapshot(slot), status, code: body.code, said: said(slot, row, answer) };
}

/** A success as every slot would tell it; nothing where it may differ: new credentials, and what describes trouble. */
export function said({ registry, prefix }: Slot, { operation }: Row, { status, text }: WireAnswer): string | undefined {
  if (status !== 200 || ["generateCredentials", "describeRegistry"].includes(operation)) return undefined;
  const plain = text.replaceAll(registry.name, "{registry}").replaceAll(prefix, "{prefix}");
  return plain.replaceAll(/"(createdAt|pushedAt)":"[^"]+"/g, '"$1":"{moment}"');
}
