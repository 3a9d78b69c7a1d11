import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lanes } from "../../support/faults/lanes.ts";
import { startWorker, Watchers } from "../../support/processes.ts";
import { ownToken, rows } from "./calls.golden.ts";
import { type Bench, imageDigest, type Slot, startBench } from "./support/bench.ts";
import { again, arranged, reference } from "./support/goes.ts";
import { makeConsumers, puller, toPuller } from "./support/scenarios.ts";
import { deviations, snapshot } from "./support/state.ts";

const width = 3;
const lanes = new Lanes({ processes: width });
const watchers = new Watchers();
let bench: Bench;

beforeAll(async () => {
  bench = await startBench(width);
  makeConsumers(bench.stack.gcp);
  bench.stack.gcp.faults.after = (call) => watchers.seen(call);
});
afterAll(() => bench.stop());

let processes = 0;

/** A process under an account of its own, by which its calls are known. */
async function start(slot: Slot, operation: string, input: object) {
  const { gcp, project } = bench.stack;
  const caller = `process-${++processes}`;
  const principal = gcp.serviceAccount(caller, { roles: { [project]: ["roles/artifactregistry.admin"] } });
  const env = { ...bench.stack.env(), ...(await gcp.environment(principal)), ...slot.env };
  return Object.assign(startWorker(env, { platform: "gcp", caller, requests: [{ operation, input }] }), { principal });
}

const ofRepository = { repoId: "my-app" };
const cases = [
  ["addCrossAccountAccess", "a new grant", { ...ofRepository, access: toPuller }],
  ["removeCrossAccountAccess", "one of two grants", { ...ofRepository, access: toPuller }],
  ["setupRepository", "a new one, with access", { name: "my-app", access: [toPuller] }],
  ["removeGranteeAccess", "one of two consumers", { grantee: `gcp:${puller}` }],
  ["deleteImage", "by digest", { ...ofRepository, reference: imageDigest }],
  ["deleteRepository", "one that exists", ofRepository],
] as const;

describe.concurrent("a process that is killed", () => {
  test.each(cases)("after each call of %s (%s)", async (operation, title, input) => {
    const row = rows.find((each) => each.operation === operation && each.title === title);
    if (row === undefined) throw new Error("There is no such row.");
    const wanted = await lanes.run("processes", (number) => reference(bench, bench.slot(number), row));
    const calls = [ownToken, ...row.calls];
    await Promise.all(
      calls.map((_, index) =>
        lanes.run("processes", async (number) => {
          const slot = bench.slot(number);
          const run = await arranged(slot, row, "quick");
          const worker = await start(slot, operation, input);
          await watchers.killedAfter(worker, index + 1);
          expect(worker.reports.map(({ event }) => event)).toEqual(["start"]);
          expect(deviations(wanted, snapshot(bench, slot), false)).toEqual([]);

          expect((await again(run, row)).status).toBe(200);
          expect(snapshot(bench, slot)).toEqual(wanted.after);
        }),
      ),
    );
  });
});
