import { afterAll, beforeAll, expect, test } from "vitest";
import { type Attempt, unexplained } from "../lease/history.ts";
import { home, replicas } from "./calls.golden.ts";
import { openApplication } from "./support/application.ts";
import { type Bench, recorded, type Slot, startBench } from "./support/bench.ts";
import { random, startWorker, type Worker } from "./support/processes.ts";
import { access } from "./support/registry.ts";
import { theirs } from "./support/scenarios.ts";
import { snapshot } from "./support/state.ts";

const processes = 8;
const changesEach = 50;
/** Of two replica regions, one leaves the registry in the midst of it all. */
const [staying, leaving] = replicas;
const binding = { replicationRegions: replicas };
/** In the order of their regions: whom each comes to refuse, in the midst of it all. They were granted access before. */
const refused = { [home]: "666600001010", [staying]: "666600001011", [leaving]: "666600001012" } as const;
const accounts = Array.from({ length: 12 }, (_, index) => `5555000010${10 + index}`);
const grants = [...accounts, ...Object.values(refused)].map((id) => `account:${id}`);

let bench: Bench;
let slot: Slot;
beforeAll(async () => {
  bench = await startBench();
  slot = bench.slot(1);
});
afterAll(() => bench.stop());

interface Change {
  readonly kind: Attempt["kind"];
  readonly grant: string;
}

/** The same changes at each run. Nobody else can be added while somebody who is refused stands, so removals are frequent. */
function changes(seed: number): Change[] {
  const next = random(seed);
  return Array.from({ length: changesEach }, () => ({
    kind: next() < 0.5 ? ("add" as const) : ("remove" as const),
    grant: grants[Math.floor(next() * grants.length)] ?? "",
  }));
}

function requestOf({ kind, grant }: Change) {
  const value = access({ accountIds: [grant.slice("account:".length)] });
  return { operation: `${kind}CrossAccountAccess`, input: { repoId: slot.name, access: value } };
}

test("nobody whom AWS refuses keeps anybody from being revoked, and a region that leaves keeps no grant", async () => {
  const { stack } = bench;
  const { emulator } = stack;
  for (const grant of grants) emulator.account(grant.slice("account:".length));
  const { ask } = openApplication(stack, { binding, env: { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" } });
  const sure = async (operation: string, input: object) => {
    for (;;) {
      const { status, body, text } = await ask(operation, input);
      if (status === 200) return;
      if (body.retryable !== true) throw new Error(text);
    }
  };
  await sure("provisionRegistry", { replicationRegions: replicas });
  slot.make(home, ...replicas);
  slot.setPolicy([theirs]);
  const before = Object.values(refused).map((id) => ({ kind: "add", grant: `account:${id}` }) as const);
  for (const change of before) await sure(requestOf(change).operation, requestOf(change).input);

  const lists = Array.from({ length: processes }, (_, index) => changes(index + 1));
  const workers = lists.map((list, index) =>
    startWorker(stack, binding, { caller: `process-${index}`, requests: list.map(requestOf), goesOn: true }),
  );
  const done = () => workers.flatMap(({ reports }) => reports.filter(({ event }) => event === "acknowledged")).length;
  await expect.poll(done).toBeGreaterThan(processes * 5);
  for (const [region, accountId] of Object.entries(refused)) emulator.world.refusePrincipal({ accountId, region });
  await expect.poll(done).toBeGreaterThan(processes * 10);
  await sure("provisionRegistry", { replicationRegions: [staying] });
  const whenItLeft = snapshot(bench, slot).regions.find(({ region }) => region === leaving)?.grants;
  const ends = await Promise.all(workers.map(({ ended }) => ended));
  expect(ends.map(({ code, errors }) => [code, errors])).toEqual(ends.map(() => [0, ""]));

  const attempts = workers.flatMap((worker, index) => attemptsOf(worker, lists[index] ?? []));
  const acknowledged = attempts.filter(({ kind, end }) => kind === "remove" && end !== undefined);
  expect(acknowledged.length).toBe(lists.flat().filter(({ kind }) => kind === "remove").length);
  // One more edit that takes nothing away brings every policy to what is on record.
  await sure("removeCrossAccountAccess", { repoId: slot.name, access: access({ accountIds: ["999900001111"] }) });

  const [atHome, ...elsewhere] = snapshot(bench, slot).regions;
  const granted = atHome?.grants ?? [];
  const isRefused = (grant: string) => Object.values(refused).some((id) => grant.endsWith(id));
  const isTold = ({ grant }: Change) => !isRefused(grant);
  expect(
    unexplained(
      attempts.filter(isTold),
      granted.filter((grant) => !isRefused(grant)),
    ),
  ).toEqual([]);
  expect(revokedLast(attempts).filter((grant) => granted.includes(grant))).toEqual([]);
  expect([...(recorded(await slot.item()) ?? [])].sort()).toEqual(granted);
  const there = (where: string) => elsewhere.find(({ region }) => region === where)?.grants;
  expect(there(staying)).toEqual(granted.filter((grant) => !grant.endsWith(refused[staying])));
  expect([whenItLeft, there(leaving)]).toEqual([[], []]);
  expect([atHome, ...elsewhere].map((region) => region?.foreign)).toEqual([[theirs], [theirs], [theirs]]);
});

/** What was asked for, and when it was acknowledged. What was refused for good changed nothing, and is left out. */
function attemptsOf({ reports }: Worker, list: readonly Change[]): Attempt[] {
  return list.flatMap((change, index): Attempt[] => {
    const its = reports.filter((report) => report.index === index);
    const of = (event: string) => its.find((report) => report.event === event)?.at;
    const [start, end, tries] = [
      of("start"),
      of("acknowledged"),
      its.filter(({ event }) => event === "refused").length,
    ];
    if (start === undefined || (end === undefined && tries === 1)) return [];
    return [{ ...change, start, ...(end !== undefined && { end }) }];
  });
}

/** The grants of whose changes a removal was certainly the last. */
function revokedLast(attempts: readonly Attempt[]): string[] {
  return [...Map.groupBy(attempts, ({ grant }) => grant)].flatMap(([grant, all]) => {
    const lastRemoval = Math.max(...all.filter(({ kind, end }) => kind === "remove" && end).map(({ start }) => start));
    const isLast = all.every(({ kind, end = Number.POSITIVE_INFINITY }) => kind === "remove" || end < lastRemoval);
    return isLast && Number.isFinite(lastRemoval) ? [grant] : [];
  });
}
