import { expect, test, vi } from "vitest";
import { createBurst } from "../../../functions/aws/lease/burst.ts";
import type { LeaseRecord, Outcome } from "../../../functions/aws/lease/lease.ts";
import { createProcessLease, leaseWithoutTable } from "../../../functions/aws/lease/process.ts";
import { errorOf } from "../../support/inputs.ts";
import { startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, useTable } from "./table.ts";
import { grants, inWords } from "./words.ts";

const table = useTable();
const nothing: Outcome<void> = { grants: grants(), result: undefined };
const never = async () => expect.fail("it was called");
const edits = (sent: readonly string[]) => sent.filter((name) => name === "UpdateItem").length;

test("what stands as the record says is done with one question", async () => {
  const repository = newRepository();
  const { lease, call, network } = startFunction(table.dynamo);
  await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
  network.sent.length = 0;
  const asked: unknown[] = [];
  const isCurrent = async (record: LeaseRecord) => asked.push(inWords(record)?.grants) > 0;
  await lease.catchUp(repository, "west", call(), isCurrent, never);
  expect([asked, network.sent]).toEqual([[["a"]], ["GetItem"]]);
});

test("what fell behind is edited, and so is what nobody has recorded, or a crash left a plan for", async () => {
  const repository = newRepository();
  const { lease, call, network, clock } = startFunction(table.dynamo);
  const work = vi.fn(answering(nowGranted("a")) as unknown as () => Promise<Outcome<void>>);
  await lease.catchUp(repository, "west", call(), never, work);
  await lease.catchUp(repository, "west", call(), async () => false, work);
  expect([work.mock.calls.length, edits(network.sent)]).toEqual([2, 4]);
  await table.crash(repository);
  await lease.catchUp(repository, "west", call(), never, work);
  expect(work).toHaveBeenCalledTimes(3);
  expect(clock.waits.length).toBeGreaterThan(0);
});

test("while others edit it waits, and looks again before it takes the lease itself", async () => {
  const repository = newRepository();
  const { lease, call, clock, network } = startFunction(table.dynamo);
  const other = startFunction(table.dynamo);
  const [release, holding] = [Promise.withResolvers<Outcome<string>>(), Promise.withResolvers<void>()];
  const first = other.lease.edit(repository, adds("a"), other.call(), () => {
    holding.resolve();
    return release.promise;
  });
  await holding.promise;
  clock.meanwhile = async () => {
    release.resolve(nowGranted("a"));
    await first;
  };
  await lease.catchUp(
    repository,
    "west",
    call(),
    async (record) => inWords(record)?.grants.includes("a") ?? false,
    never,
  );
  // One try to take the lease, which failed.
  expect(edits(network.sent)).toBe(1);
  expect(await table.leaseOf(repository)).toBeUndefined();
});

test("a lease that was lost is taken again, even where the others' record is met", async () => {
  const repository = newRepository();
  const { lease, call, clock } = startFunction(table.dynamo);
  const other = startFunction(table.dynamo);
  await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
  const [release, holding] = [Promise.withResolvers<Outcome<string>>(), Promise.withResolvers<void>()];
  let [rounds, current] = [0, false];
  const loseIt = async () => {
    clock.advance(20_000);
    other.clock.meanwhile = () => other.clock.advance(20_000);
    const theirs = other.lease.edit(repository, adds("b"), other.call(), () => {
      holding.resolve();
      return release.promise;
    });
    await holding.promise;
    clock.meanwhile = async () => {
      release.resolve(nowGranted("a", "b"));
      await theirs;
      current = true;
    };
  };
  const isCurrent = async () => current;
  await lease.catchUp(repository, "west", call(), isCurrent, async () => {
    if (++rounds === 1) await loseIt();
    return { grants: grants("a", "b"), result: undefined };
  });
  expect(rounds).toBe(2);
});

test("many who ask at once share the work, from after they asked; another region has its own", async () => {
  const burst = createBurst();
  const { call } = startFunction(table.dynamo);
  const stuck = Promise.withResolvers<void>();
  const done: string[] = [];
  const work = (name: string) => async () => void done.push(name);
  const first = burst("west", call(), () => stuck.promise);
  const others = Array.from({ length: 300 }, (_, index) => burst("west", call(), work(`west ${index}`)));
  await burst("east", call(), work("east"));
  expect(done).toEqual(["east"]);
  stuck.resolve();
  await Promise.all([first, ...others]);
  expect(done).toEqual(["east", "west 0"]);
  await burst("west", call(), work("later"));
  expect(done).toEqual(["east", "west 0", "later"]);
});

test("one that fails leaves it to the next, and one that can wait no longer is told to come back", async () => {
  const burst = createBurst();
  const { call } = startFunction(table.dynamo);
  const stuck = Promise.withResolvers<void>();
  const first = burst("one", call(), () => stuck.promise);
  const over = new AbortController();
  const second = errorOf(() => burst("one", call({ signal: over.signal }), never));
  const third = vi.fn(async () => undefined);
  const last = burst("one", call(), third);
  over.abort(new Error("over"));
  expect(await second).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
  expect(third).not.toHaveBeenCalled();
  stuck.reject(new Error("failed"));
  await expect(first).rejects.toThrow("failed");
  await last;
  expect(third).toHaveBeenCalledOnce();
});

test("one that fails after it waited is told so, and so is nobody else", async () => {
  const burst = createBurst();
  const { call } = startFunction(table.dynamo);
  const stuck = Promise.withResolvers<void>();
  const first = burst("one", call(), () => stuck.promise);
  const second = burst("one", call(), () => Promise.reject(new Error("only mine")));
  const third = vi.fn(async () => undefined);
  const last = burst("one", call(), third);
  stuck.resolve();
  await first;
  await expect(second).rejects.toThrow("only mine");
  await last;
  expect(third).toHaveBeenCalledOnce();
});

test("without a table every one takes its turn, and on Lambda none may", async () => {
  const { call } = startFunction(table.dynamo);
  const work = vi.fn(async () => nothing);
  await createProcessLease().catchUp("one", "west", call(), never, work);
  await leaseWithoutTable(createProcessLease(), {}).catchUp("one", "west", call(), never, work);
  expect(work).toHaveBeenCalledTimes(2);
  const onLambda = leaseWithoutTable(createProcessLease(), { AWS_LAMBDA_FUNCTION_NAME: "f" });
  expect((await errorOf(() => onLambda.catchUp("one", "west", call(), never, never))).code).toBe(
    "BINDING_CONFIG_INVALID",
  );
});
