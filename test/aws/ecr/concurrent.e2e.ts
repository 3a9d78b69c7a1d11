import { setTimeout as sleep } from "node:timers/promises";
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
/** Some are killed at this of their writes, when it has had its effect and nobody else knows. */
const killedAt = new Map([
  [1, 4],
  [4, 8],
  [6, 12],
]);
const [replica] = replicas;
const binding = { replicationRegions: [replica] };

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

function changes(seed: number, grants: readonly string[]): Change[] {
  const next = random(seed);
  return Array.from({ length: changesEach }, () => ({
    kind: next() < 0.6 ? ("add" as const) : ("remove" as const),
    grant: grants[Math.floor(next() * grants.length)] ?? "",
  }));
}

function requestOf({ kind, grant }: Change) {
  const value = grant.slice(grant.indexOf(":") + 1);
  const parts = grant.startsWith("role:") ? { roleArns: [value] } : { accountIds: [value] };
  return { operation: `${kind}CrossAccountAccess`, input: { repoId: slot.name, access: access(parts) } };
}

test("many processes at once, some of which die, lose nothing and bring nothing back", async () => {
  const { stack } = bench;
  const { emulator } = stack;
  const accounts = Array.from({ length: 16 }, (_, index) => `5555000010${10 + index}`);
  const roles = accounts.slice(0, 4).map((account) => emulator.role(account, "consumer"));
  for (const account of accounts) emulator.account(account);
  const grants = [...accounts.map((id) => `account:${id}`), ...roles.map((arn) => `role:${arn}`)];
  slot.make(home, replica);
  slot.setPolicy([theirs]);

  const lists = Array.from({ length: processes }, (_, index) => changes(index + 1, grants));
  const workers = lists.map((list, index) => {
    const requests = list.map(requestOf);
    return startWorker(stack, binding, { caller: `process-${index}`, requests, operationTimeoutMs: 5_000 });
  });
  const writes = workers.map(() => 0);
  emulator.faults.after = ({ principal, action, region }) => {
    const index = workers.findIndex((worker) => worker.principal === principal);
    if (index < 0 || action !== "SetRepositoryPolicy" || region !== home) return;
    writes[index] = (writes[index] ?? 0) + 1;
    if (writes[index] === killedAt.get(index)) workers[index]?.child.kill("SIGKILL");
  };
  const over = new AbortController();
  const aging = ageLeasesOfTheDead(workers, over.signal);
  const ends = await Promise.all(workers.map(({ ended }) => ended));
  over.abort();
  await aging;

  expect(ends.map(({ code, errors }) => [code, errors])).toEqual(
    ends.map((_, index) => [killedAt.has(index) ? null : 0, ""]),
  );
  await slot.age();
  const attempts = workers.flatMap((worker, index) => attemptsOf(worker, lists[index] ?? []));
  expect(attempts.filter(({ end }) => end !== undefined).length).toBeGreaterThanOrEqual(5 * changesEach);

  // One more edit, of something else, brings every document to what is on record.
  const { ask } = openApplication(stack, { binding });
  const last = { kind: "add", grant: `account:${accounts[0]}` } as const;
  const start = Number(process.hrtime.bigint()) / 1e6;
  const { operation, input } = requestOf(last);
  expect((await ask(operation, input)).status).toBe(200);
  attempts.push({ ...last, start, end: Number(process.hrtime.bigint()) / 1e6 });

  const [atHome, atReplica] = snapshot(bench, slot).regions;
  expect(unexplained(attempts, atHome?.grants ?? [])).toEqual([]);
  expect(atReplica?.grants).toEqual(atHome?.grants);
  expect([...(recorded(await slot.item()) ?? [])].sort()).toEqual(atHome?.grants);
  expect([atHome?.foreign, atReplica?.foreign]).toEqual([[theirs], [theirs]]);
});

function attemptsOf({ reports }: Worker, list: readonly Change[]): Attempt[] {
  return list.flatMap((change, index): Attempt[] => {
    const of = (event: string) => reports.find((report) => report.event === event && report.index === index)?.at;
    const [start, end] = [of("start"), of("acknowledged")];
    if (start === undefined) return [];
    return [{ ...change, start, ...(end !== undefined && { end }) }];
  });
}

/**
 * Lets time fly for leases whose holder does nothing any more: it was killed, or its operation is over and left a
 * write without an answer. Others would have to wait for a minute.
 */
async function ageLeasesOfTheDead(workers: readonly Worker[], over: AbortSignal): Promise<void> {
  const { calls } = bench.stack.emulator;
  while (!over.aborted) {
    await sleep(100);
    const owner = (await slot.item())?.holder?.S;
    const taken = calls.findLastIndex(({ input }) => ownerIn(input) === owner);
    const holder = workers.find(({ principal }) => principal === calls[taken]?.principal);
    if (owner === undefined || holder === undefined) continue;
    const its = calls.slice(taken).filter(({ principal }) => principal === holder.principal);
    const dead = holder.child.signalCode !== null;
    const writing = its.some(({ action, outcome }) => outcome === undefined && action.includes("RepositoryPolicy"));
    const others = its.some(({ input }) => ownerIn(input) !== undefined && ownerIn(input) !== owner);
    if ((dead || others) && !writing && (await slot.item())?.holder?.S === owner) await slot.age();
  }
}

function ownerIn({ ExpressionAttributeValues: values }: Readonly<Record<string, unknown>>): string | undefined {
  return (values as { ":me"?: { S?: string } } | undefined)?.[":me"]?.S;
}
