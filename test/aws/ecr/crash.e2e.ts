import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lanes } from "../../support/faults/lanes.ts";
import { Watchers } from "../../support/processes.ts";
import { replicas, rows } from "./calls.golden.ts";
import { openApplication, type TestApplication } from "./support/application.ts";
import { type Applications, type Bench, recorded, startBench } from "./support/bench.ts";
import { A, B } from "./support/consumers.ts";
import { arranged, reference } from "./support/injections.ts";
import { startWorker } from "./support/processes.ts";
import { access } from "./support/registry.ts";
import { scenarios } from "./support/scenarios.ts";
import { deviations, snapshot } from "./support/state.ts";

const home = "us-east-1";
const toA = access({ accountIds: [A], regions: [home], allowedServiceTypes: ["worker"] });
const binding = { replicationRegions: replicas };
let bench: Bench;
let patient: Applications;
const lanes = new Lanes({ processes: 3 });
const watchers = new Watchers();

beforeAll(async () => {
  bench = await startBench();
  patient = bench.applications({});
  bench.stack.emulator.faults.after = (call) => watchers.seen(call);
});
afterAll(() => bench.stop());

const cases = [
  ["addCrossAccountAccess", "a new grant", { access: toA }],
  ["addCrossAccountAccess", "adopting an earlier tool's statement", { access: toA }],
  ["removeCrossAccountAccess", "one of two grants", { access: toA }],
  ["removeCrossAccountAccess", "the last grant", { access: toA }],
  ["removeCrossAccountAccess", "of a repository that is gone at home", { access: toA }],
  ["deleteRepository", "one that exists", {}],
] as const;

describe.concurrent("a process that is killed", () => {
  test.each(cases)("after each call of %s (%s)", async (operation, title, more) => {
    const row = rows.find((each) => each.operation === operation && each.title === title);
    if (row === undefined) throw new Error("There is no such row.");
    const wanted = await lanes.run("processes", (number) => reference(bench, bench.slot(number), patient, row));
    const kills = row.calls.map((_, index) => index + 1);
    await Promise.all(
      kills.map((nth) =>
        lanes.run("processes", async (number) => {
          const slot = bench.slot(number);
          const run = await arranged(slot, { applications: patient, patient }, row);
          const requests = [{ operation, input: { repoId: slot.name, ...more } }];
          const worker = startWorker(bench.stack, binding, { caller: run.caller, requests });
          await watchers.killedAfter(worker, nth);
          expect(worker.reports.map(({ event }) => event)).toEqual(["start"]);
          expect(deviations(wanted, snapshot(bench, slot), false)).toEqual([]);

          await slot.age();
          const again = await scenarios[operation]?.[title]?.run(run);
          expect(again?.status).toBe(200);
          expect(snapshot(bench, slot)).toEqual(wanted.after);
          expect([...(recorded(await slot.item()) ?? [])].sort()).toEqual(wanted.after.regions[0]?.grants);
        }),
      ),
    );
  });
});

test("a write that nobody waited for keeps everybody else away until it can land no more", async () => {
  const slot = bench.slot(900);
  await slot.clear();
  slot.make(home, ...replicas);
  const impatient = openApplication(bench.stack, { binding, operationTimeoutMs: 3_000 });
  const add = (account: string, { ask }: TestApplication = impatient) =>
    ask("addCrossAccountAccess", { repoId: slot.name, access: access({ accountIds: [account] }) });
  bench.stack.emulator.faults.add({
    fault: { kind: "slow", ms: 10_000 },
    action: "SetRepositoryPolicy",
    region: home,
    matches: (call) => slot.isAbout(call),
  });
  expect((await add(A)).body).toMatchObject({ code: "TIMEOUT", retryable: true });
  const grants = () => snapshot(bench, slot).regions.map((region) => region.grants);
  expect(grants()[0]).toEqual([]);
  expect((await add(B)).body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
  await expect.poll(() => grants()[0]).toEqual([`account:${A}`]);
  await slot.age();
  expect((await add(B, patient.plain)).status).toBe(200);
  const both = [`account:${A}`, `account:${B}`];
  expect(grants()).toEqual([both, both, both]);
  expect(recorded(await slot.item())).toEqual(both);
});
