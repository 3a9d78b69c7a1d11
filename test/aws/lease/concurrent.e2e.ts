import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCall } from "../../../core/call.ts";
import { readLease, readRecord } from "../../../functions/aws/lease/item.ts";
import { createLeaseTable } from "../../../functions/aws/lease/table.ts";
import { type Dynamo, startDynamo } from "./dynamo.ts";
import { edit, read } from "./edit.ts";
import { unexplained } from "./history.ts";
import { type PolicyStore, startPolicyStore } from "./policy-store.ts";
import { startWorker, type Worker } from "./processes.ts";
import type { Orders } from "./worker.ts";

const leaseMs = 1_000;
const writeMs = 400;
let dynamo: Dynamo;
let store: PolicyStore;

beforeAll(async () => {
  [dynamo, store] = await Promise.all([startDynamo(), startPolicyStore(4)]);
});
afterAll(async () => {
  await Promise.all([dynamo?.stop(), store?.stop()]);
});

/** The number of an account: of a worker's own, or one that all share (worker 0). */
function accountOf(worker: string, index: number): string {
  return worker.slice(1).padStart(4, "0") + String(index).padStart(8, "0");
}

/** Changes of a worker's own grants, which it takes turns with, and of grants that all share. */
function changesOf(worker: string, count: number, repository: string): Orders["changes"] {
  return Array.from({ length: count }, (_, index) => ({
    repository,
    kind: Math.random() < 0.6 ? ("add" as const) : ("remove" as const),
    grant: index % 4 === 3 ? accountOf("w0", index % 3) : accountOf(worker, index % 5),
  }));
}

function ordersFor(worker: string, count: number, repository: string, leased: boolean): Orders {
  return {
    worker,
    ...(leased && { dynamo: { endpoint: dynamo.endpoint, tableName: dynamo.tableName } }),
    leaseMs,
    storeUrl: store.url,
    writeMs,
    editMs: 120_000,
    changes: changesOf(worker, count, repository),
  };
}

function documentOf(repository: string): string {
  return store.documents.get(`/${repository}`) ?? "";
}

test("400 edits by 8 processes, some killed, one stopped beyond its lease: nothing is lost, nothing comes back", async () => {
  const repository = "images-app";
  const workers = new Map<string, Worker>();
  const start = (name: string, count = 50) => {
    const orders = ordersFor(name, count, repository, true);
    // Each of its edits has something to write.
    const writing = orders.changes.map((change, index) => ({
      ...change,
      kind: "add" as const,
      grant: accountOf(name, index),
    }));
    workers.set(name, startWorker(name === "w4" ? { ...orders, changes: writing } : orders));
  };
  const nth = new Map<string, number>();
  const stopped: string[] = [];
  let afterwards: string | undefined;
  store.watch = ({ method, worker }) => {
    const step = `${worker} ${method}`;
    const count = (nth.get(step) ?? 0) + 1;
    nth.set(step, count);
    const child = workers.get(worker)?.child;
    if (worker === "w4" && stopped.includes("w4")) afterwards ??= method;
    // Whoever asks the store holds the lease: half way through an edit.
    if (step === "w1 GET" && count === 12) child?.kill("SIGKILL");
    if (step === "w2 PUT" && count === 9) child?.kill("SIGKILL");
    if (step === "w3 PUT" && count === 15) child?.kill("SIGKILL");
    if ((step === "w4 GET" && count === 10) || (step === "w5 PUT" && count === 10)) {
      child?.kill("SIGSTOP");
      stopped.push(worker);
      setTimeout(() => child?.kill("SIGCONT"), leaseMs * 2);
    }
  };
  for (let number = 1; number <= 8; number++) start(`w${number}`);
  for (const [name, { ended }] of workers) {
    const { code, errors } = await ended;
    expect([name, code, errors]).toEqual([name, ["w1", "w2", "w3"].includes(name) ? null : 0, ""]);
  }
  // What the killed ones had left is done by others.
  store.watch = () => {};
  for (const name of ["w9", "w10", "w11"]) {
    start(name, 42);
  }
  for (const name of ["w9", "w10", "w11"]) expect(await workers.get(name)?.ended).toEqual({ code: 0, errors: "" });
  expect(stopped.sort()).toEqual(["w4", "w5"]);
  // Stopped before its write, and continued when the lease was another's: it wrote nothing, and began anew.
  expect([afterwards, workers.get("w4")?.refusals[0]?.code]).toEqual(["GET", "TIMEOUT"]);

  const attempts = [...workers.values()].flatMap((worker) => worker.attempts(repository));
  const acknowledged = attempts.filter(({ end }) => end !== undefined);
  expect(acknowledged.length).toBeGreaterThanOrEqual(400);
  expect(attempts.length - acknowledged.length).toBe(3);

  expect([...workers.values()].flatMap(({ refusals }) => refusals).every(({ retryable }) => retryable)).toBe(true);

  const call = startCall({
    requestId: "final",
    caller: { issuer: "door", subject: "test" },
    signal: AbortSignal.timeout(120_000),
    now: () => new Date(),
  });
  const lease = createLeaseTable({ tableName: dynamo.tableName, client: dynamo.client, leaseMs });
  const options = { storeUrl: store.url, repository, worker: "final", writeMs };
  const final = { kind: "add", grant: "999999999999" } as const;
  const begun = Number(process.hrtime.bigint()) / 1e6;
  await edit(lease, final, options, call);
  const { own } = read(documentOf(repository));
  expect(unexplained([...attempts, { ...final, start: begun, end: begun + 1 }], own)).toEqual([]);
  const item = await dynamo.item(repository);
  expect(readRecord(item)).toMatchObject({ grants: { accounts: own, roles: [], workers: [] } });
  expect(readLease(item)).toBeUndefined();
});

test("without the lease the same edits lose each other", async () => {
  const repository = "images-unguarded";
  const workers = Array.from({ length: 6 }, (_, number) => startWorker(ordersFor(`n${number}`, 25, repository, false)));
  for (const { ended } of workers) expect(await ended).toEqual({ code: 0, errors: "" });
  const attempts = workers.flatMap((worker) => worker.attempts(repository));
  expect(attempts.filter(({ end }) => end !== undefined)).toHaveLength(150);
  await sleep(20);
  expect(unexplained(attempts, read(documentOf(repository)).own)).not.toEqual([]);
});
