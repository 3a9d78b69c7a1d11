import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { errorOf } from "../../support/inputs.ts";
import { startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, refused, removes, useTable } from "./table.ts";
import { reconciled } from "./words.ts";

const table = useTable();
const { leaseOf, recordOf, plansOf, crash } = table;
const unanswered = () => Promise.reject(new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer"));

describe("writing", () => {
  const sent = async () => "sent";
  const notSent = async () => expect.fail("it was sent");

  test("is refused unless more than its time is left", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    const upstream = call();
    const edit = lease.edit(repository, adds("a"), upstream, async (held) => {
      clock.advance(4_999);
      expect(await held.write("Test", 5_000, sent)).toBe("sent");
      clock.advance(1);
      await held.write("Test", 5_000, notSent);
      return nowGranted("a");
    });
    const error = await errorOf(() => edit);
    // The lease was taken, one write was sent, and the lease was given back.
    expect([error.code, error.retryable, upstream.upstreamCalls]).toEqual(["TIMEOUT", true, 3]);
  });

  test("the lease counts from before it was asked for", async () => {
    const { lease, call, clock, network } = startFunction(table.dynamo);
    network.fate = (request) => {
      if (request === 1) clock.advance(6_000);
      return "pass";
    };
    const edit = lease.edit(newRepository(), adds("a"), call(), async (held) => {
      await held.write("Test", 4_000, notSent);
      return nowGranted("a");
    });
    await expect(edit).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  test("a machine that was halted along with its monotonic clock is seen by the time of day", async () => {
    const { lease, clock, call } = startFunction(table.dynamo);
    let halted = 0;
    const halting = { ...clock, date: () => new Date(halted) };
    const edit = lease.edit(newRepository(), adds("a"), call({ clock: halting }), async (held) => {
      halted = 9_000;
      await expect(held.write("Test", 2_000, notSent)).rejects.toThrow("Too little time");
      // And a time of day that was set back gives nothing.
      halted = -9_000;
      clock.advance(9_000);
      await expect(held.write("Test", 2_000, notSent)).rejects.toThrow("Too little time");
      return nowGranted("a");
    });
    await edit;
  });

  test("nothing is written once the call is over", async () => {
    const { lease, call } = startFunction(table.dynamo);
    const over = new AbortController();
    const edit = lease.edit(newRepository(), adds("a"), call({ signal: over.signal }), async (held) => {
      over.abort(new Error("over"));
      await expect(held.write("Test", 1, notSent)).rejects.toThrow("Too little time");
      return nowGranted("a");
    });
    await edit;
  });

  test("a write is repeated only while there is time for it", async () => {
    const { lease, call, clock } = startFunction(table.dynamo);
    let tries = 0;
    const edit = lease.edit(newRepository(), adds("a"), call(), async (held) => {
      await held.write("Test", 4_000, async () => {
        tries++;
        clock.advance(4_000);
        throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer", { retryable: true });
      });
      return nowGranted("a");
    });
    await expect(edit).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(tries).toBe(2);
  });
});

describe("an edit that fails", () => {
  test("before it has written gives the lease back, drops its plan and keeps those of others", async () => {
    const repository = newRepository();
    await crash(repository, removes("x"));
    const { lease, call } = startFunction(table.dynamo);
    await expect(lease.edit(repository, adds("a"), call(), () => Promise.reject(refused))).rejects.toBe(refused);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, ["-x"]]);
  });

  test("after it has written, or may have, leaves its plan", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("b", "x")));
    const edit = lease.edit(repository, { ...adds("a"), ...removes("b") }, call(), async (held) => {
      await held.write("Test home", 1_000, async () => {});
      return held.write("Test replica", 1_000, () => Promise.reject(refused));
    });
    await expect(edit).rejects.toBe(refused);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, ["+a", "-b"]]);
    await lease.edit(repository, adds("c"), call(), async (held) =>
      // The document as it was written, and fallen behind in what nobody edited.
      nowGranted(...(await reconciled(held, ["a"]))),
    );
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "x"], lastRevoked: expect.any(Date) });
  });

  test("a revocation that took effect in it makes older events stale", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("a")));
    await crash(repository, removes("a"));
    const setUp = lease.edit(repository, adds("a"), call({ asOf: clock.date() }), async (held) => {
      await reconciled(held, []);
      held.refuseStale();
      return nowGranted("a");
    });
    await expect(setUp).rejects.toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
  });

  test("by a write without an answer keeps the lease until it is over: it may be applied late", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    const edit = lease.edit(repository, adds("a"), call(), async (held) => {
      await held.write("Test", 1_000, unanswered);
      return nowGranted("a");
    });
    await expect(edit).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([expect.anything(), ["+a"]]);
  });

  test("one whose write was answered at the second try is recorded, and the lease still kept", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    let tries = 0;
    await lease.edit(repository, adds("a"), call(), async (held) => {
      await held.write("Test", 5_000, async () => {
        if (++tries === 1) throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer", { retryable: true });
      });
      return nowGranted("a");
    });
    expect(await leaseOf(repository)).toBeDefined();
    expect(await recordOf(repository)).toMatchObject({ grants: ["a"] });
    const other = startFunction(table.dynamo);
    await other.lease.edit(repository, adds("b"), other.call(), answering(nowGranted("a", "b")));
    expect(other.clock.now()).toBeGreaterThanOrEqual(10_000);
  });

  test("because its call is over gives the lease back all the same, at every point", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    const gone = (over: AbortController) => {
      over.abort(new Error("gone"));
      return new ArtifactRegistryError("TIMEOUT", "over", { retryable: true });
    };
    const reading = new AbortController();
    const edit = lease.edit(repository, adds("a"), call({ signal: reading.signal }), () =>
      Promise.reject(gone(reading)),
    );
    await expect(edit).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await leaseOf(repository)).toBeUndefined();

    const recording = new AbortController();
    await lease.edit(repository, adds("a"), call({ signal: recording.signal }), async () => {
      gone(recording);
      return nowGranted("a");
    });
    expect([await leaseOf(repository), (await recordOf(repository))?.grants]).toEqual([undefined, ["a"]]);

    const taking = new AbortController();
    const other = startFunction(table.dynamo);
    other.network.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if (!taking.signal.aborted) gone(taking);
        return answer;
      },
      { step: "initialize" },
    );
    const late = other.lease.edit(repository, adds("b"), other.call({ signal: taking.signal }), () =>
      expect.fail("ran"),
    );
    await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await leaseOf(repository)).toBeUndefined();
  });

  test("giving back is best effort: the error of the edit is told", async () => {
    const { lease, call, network } = startFunction(table.dynamo);
    network.fate = (request) => (request > 1 ? "never arrive" : "pass");
    await expect(lease.edit(newRepository(), adds("a"), call(), () => Promise.reject(refused))).rejects.toBe(refused);
  });
});
