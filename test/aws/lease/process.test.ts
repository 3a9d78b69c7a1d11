import { describe, expect, test } from "vitest";
import { noGrants } from "../../../functions/aws/grants/grant.ts";
import type { Outcome, PolicyLease } from "../../../functions/aws/lease/lease.ts";
import { createProcessLease, leaseWithoutTable } from "../../../functions/aws/lease/process.ts";
import { errorOf } from "../../support/inputs.ts";
import { callAt, fakeClock } from "./function.ts";
import { reconciled } from "./words.ts";

const nothing: Outcome<undefined> = { grants: noGrants, result: undefined };

describe("edits of one process", () => {
  test("take turns for a repository, and do not wait for others'", async () => {
    const lease = createProcessLease();
    const call = callAt({ clock: fakeClock() });
    const order: string[] = [];
    const release = Promise.withResolvers<void>();
    const work = (name: string, wait?: Promise<void>) => async () => {
      order.push(`${name} begins`);
      await wait;
      order.push(`${name} ends`);
      return nothing;
    };
    const edits = [
      lease.edit("one", {}, call, work("first", release.promise)),
      lease.edit("one", {}, call, work("second")),
      lease.edit("one", {}, call, work("third")),
      lease.edit("other", {}, call, work("other")),
    ];
    await edits[3];
    release.resolve();
    await Promise.all(edits);
    expect(order).toEqual([
      "first begins",
      "other begins",
      "other ends",
      "first ends",
      "second begins",
      "second ends",
      "third begins",
      "third ends",
    ]);
  });

  test("who comes while the second is at work waits for it", async () => {
    const lease = createProcessLease();
    const call = callAt({ clock: fakeClock() });
    const release = Promise.withResolvers<void>();
    let running = true;
    const first = lease.edit("one", {}, call, async () => nothing);
    const second = lease.edit("one", {}, call, async () => {
      await release.promise;
      running = false;
      return nothing;
    });
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    const third = lease.edit("one", {}, call, async () => ({ grants: noGrants, result: running }));
    release.resolve();
    expect([await second, await third]).toEqual([undefined, false]);
  });

  test("who fails does not stop the next, who gives up does not let the next in too early", async () => {
    const lease = createProcessLease();
    const clock = fakeClock();
    const call = callAt({ clock });
    const release = Promise.withResolvers<void>();
    const over = new AbortController();
    let running = true;
    const first = lease.edit("one", {}, call, async () => {
      await release.promise;
      running = false;
      throw new Error("failed");
    });
    const second = lease.edit("one", {}, callAt({ clock, signal: over.signal }), async () => expect.fail("it ran"));
    const third = lease.edit("one", {}, call, async () => ({ grants: noGrants, result: running }));
    over.abort(new Error("over"));
    expect(await errorOf(() => second)).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    release.resolve();
    await expect(first).rejects.toThrow("failed");
    expect(await third).toBe(false);
  });

  test("believe the document, and remember revocations", async () => {
    const lease = createProcessLease();
    const clock = fakeClock();
    const before = clock.date();
    clock.advance(1_000);
    await lease.edit("one", { removes: ["a"] }, callAt({ clock }), async (held) => {
      expect(await lease.recorded("one", callAt({ clock }))).toBeUndefined();
      expect(await reconciled(held, ["b"], ["a", "b"])).toEqual(["a", "b"]);
      return nothing;
    });
    const setUp = (asOf: Date) =>
      lease.edit("one", { adds: ["a"] }, callAt({ clock, asOf }), async (held) => {
        held.refuseStale();
        expect(await held.write("Test", 1_000, async () => "written")).toBe("written");
        return nothing;
      });
    expect(await errorOf(() => setUp(before))).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    await setUp(new Date(before.getTime() + 1_001));
    clock.advance(7_200_001);
    await lease.edit("other", {}, callAt({ clock }), async () => nothing);
    await setUp(before);
  });
});

describe("without a table", () => {
  const call = callAt({ clock: fakeClock() });
  const neverRun = async () => expect.fail("it ran");

  test.each<[string, (lease: PolicyLease) => Promise<unknown>]>([
    ["an edit", (lease) => lease.edit("one", {}, call, neverRun)],
    ["a look", (lease) => lease.look("one", call)],
  ])("%s is refused on Lambda, before anything else", async (_what, ask) => {
    const onLambda = leaseWithoutTable(createProcessLease(), { AWS_LAMBDA_FUNCTION_NAME: "f" });
    const error = await errorOf(() => ask(onLambda));
    expect([error.code, error.retryable, error.context]).toEqual([
      "BINDING_CONFIG_INVALID",
      false,
      { field: "leaseTable" },
    ]);
  });

  test("elsewhere everything is as the process has it", async () => {
    const lease = createProcessLease();
    const elsewhere = leaseWithoutTable(lease, {});
    expect(await elsewhere.edit("one", {}, call, async () => ({ grants: noGrants, result: "done" }))).toBe("done");
    expect(await elsewhere.look("one", call)).toEqual(await lease.look("one", call));
    expect(await elsewhere.recorded("one", call)).toEqual(await lease.recorded("one", call));
  });
});
