import { describe, expect, test } from "vitest";
import type { Outcome } from "../../../functions/aws/lease/lease.ts";
import { errorOf } from "../../support/inputs.ts";
import { type Fate, startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, removes, useTable } from "./table.ts";
import { reconciled } from "./words.ts";

const table = useTable();
const { leaseOf, recordOf, plansOf, crash, renew } = table;

describe("while somebody else holds the lease", () => {
  test("it is waited for, in growing steps, and taken when it is free", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    const other = startFunction(table.dynamo);
    const release = Promise.withResolvers<Outcome<string>>();
    const holding = Promise.withResolvers<void>();
    const first = other.lease.edit(repository, adds("a"), other.call(), () => {
      holding.resolve();
      return release.promise;
    });
    await holding.promise;
    clock.meanwhile = async () => {
      if (clock.waits.length !== 5) return;
      release.resolve(nowGranted("a"));
      await first;
    };
    await lease.edit(repository, adds("b"), call(), async (held) => nowGranted("b", ...(await reconciled(held, []))));
    expect(clock.waits).toEqual([100, 200, 400, 800, 1_000]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b"] });
  });

  test("who waits until the end of the call is told to come back", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, clock } = startFunction(table.dynamo);
    const over = new AbortController();
    clock.meanwhile = () => over.abort(new Error("over"));
    const edit = () => lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
    const error = await errorOf(edit);
    expect([error.code, error.retryable, error.retryAfterSeconds]).toEqual(["RESOURCE_CONFLICT", true, 1]);
    expect(await leaseOf(repository)).toBeDefined();
  });

  test("a holder that vanished is waited for by our own clock, then its plan is taken over with its lease", async () => {
    const repository = newRepository();
    await crash(repository, adds("x"));
    const { lease, call, clock } = startFunction(table.dynamo, { leaseMs: 1 });
    await lease.edit(repository, removes("y"), call(), async (held) => {
      expect(await plansOf(repository)).toEqual(["+x", "-y"]);
      return nowGranted(...(await reconciled(held, ["x"])));
    });
    expect(clock.now()).toBeGreaterThanOrEqual(10_000);
    expect(clock.now()).toBeLessThan(10_200);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
  });

  test("what those who gave up have seen is added up: calls shorter than the lease take over in the end", async () => {
    const repository = newRepository();
    await crash(repository);
    const outcomes: string[] = [];
    let waited = 0;
    for (let visit = 0; visit < 5 && outcomes.at(-1) !== "taken"; visit++) {
      // Another function each time, whose clock begins anew.
      const { lease, call, clock } = startFunction(table.dynamo);
      const over = new AbortController();
      clock.meanwhile = () => {
        if (clock.now() >= 4_000) over.abort(new Error("over"));
      };
      const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
      outcomes.push(await edit.then(() => "taken").catch((error) => error.code));
      waited += clock.now();
    }
    expect(outcomes).toEqual(["RESOURCE_CONFLICT", "RESOURCE_CONFLICT", "taken"]);
    expect(waited).toBeGreaterThanOrEqual(10_000);
  });

  test("two who wait at the same time do not count twice", async () => {
    const repository = newRepository();
    await crash(repository);
    const both = [startFunction(table.dynamo), startFunction(table.dynamo)];
    await Promise.all(
      both.map(async ({ lease, call, clock }) => {
        const over = new AbortController();
        clock.meanwhile = () => {
          if (clock.now() >= 6_000) over.abort(new Error("over"));
        };
        const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
        await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
      }),
    );
    expect((await leaseOf(repository))?.seenMs).toBeLessThanOrEqual(6_000);
  });

  test("who has seen it for a shorter time does not take that back", async () => {
    const repository = newRepository();
    await crash(repository);
    const visit = async (untilMs: number, meanwhile = async () => {}) => {
      const { lease, call, clock } = startFunction(table.dynamo);
      const over = new AbortController();
      clock.meanwhile = async () => {
        await meanwhile();
        if (clock.now() >= untilMs) over.abort(new Error("over"));
      };
      const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
      await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
    };
    let longer: Promise<void> | undefined;
    await visit(3_000, () => {
      longer ??= visit(6_000);
      return longer;
    });
    expect((await leaseOf(repository))?.seenMs).toBeGreaterThan(4_000);
  });

  test("only what was seen is taken: a lease that changed hands at the last moment is another's", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, clock, network } = startFunction(table.dynamo);
    let renewedAt = 0;
    network.fate = async (request, name): Promise<Fate> => {
      if (request > 1 && name === "UpdateItemCommand" && clock.now() >= 10_000 && renewedAt === 0) {
        renewedAt = clock.now();
        await renew(repository);
      }
      return "pass";
    };
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(renewedAt).toBeGreaterThan(0);
    expect(clock.now() - renewedAt).toBeGreaterThanOrEqual(10_000);
  });

  test("it is read as it is, not as it was a while ago", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, network } = startFunction(table.dynamo);
    const reads: object[] = [];
    network.client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === "GetItemCommand") reads.push(args.input);
          return next(args);
        },
      { step: "initialize" },
    );
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(reads.length).toBeGreaterThan(0);
    for (const read of reads) expect(read).toMatchObject({ ConsistentRead: true });
  });

  test("another lease is waited for anew", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, clock } = startFunction(table.dynamo);
    let crashedAgain = 0;
    clock.meanwhile = async () => {
      if (clock.now() < 9_000 || crashedAgain > 0) return;
      crashedAgain = clock.now();
      await renew(repository);
    };
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(clock.now() - crashedAgain).toBeGreaterThanOrEqual(10_000);
  });
});
