import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { errorOf } from "../../support/inputs.ts";
import { startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, useTable } from "./table.ts";
import { reconciled } from "./words.ts";

const table = useTable();
const { leaseOf, recordOf, plansOf, crash } = table;

describe("an answer that was lost", () => {
  test.each([1, 2])("of request %i is recognised: one edit, one lease, nothing left behind", async (lostRequest) => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(table.dynamo);
    network.fate = (request) => (request === lostRequest ? "lose the answer" : "pass");
    let runs = 0;
    await lease.edit(repository, adds("a"), call(), async () => {
      runs++;
      return nowGranted("a");
    });
    expect([runs, network.sent.length]).toEqual([1, 3]);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["a"] });
  });

  test("of the record is recognised also when the next one has taken the lease since", async () => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(table.dynamo);
    const other = startFunction(table.dynamo);
    let runs = 0;
    network.fate = async (request) => {
      if (request === 3) await other.lease.edit(repository, adds("b"), other.call(), answering(nowGranted("a", "b")));
      return request === 2 ? "lose the answer" : "pass";
    };
    await lease.edit(repository, adds("a"), call(), async () => {
      runs++;
      return nowGranted("a");
    });
    expect(runs).toBe(1);
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b"] });
  });

  test("all of them: the lease that may have been taken is given back", async () => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(table.dynamo);
    network.fate = (request) => (request <= 3 ? "lose the answer" : "pass");
    const error = await errorOf(() => lease.edit(repository, adds("a"), call(), answering(nowGranted("a"))));
    expect([error.code, error.retryable]).toEqual(["SERVICE_UNAVAILABLE", true]);
    expect(await leaseOf(repository)).toBeUndefined();
  });

  test("a request that is applied when its edit is long over takes nothing", async () => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(table.dynamo);
    let input: object = {};
    network.client.middlewareStack.add(
      (next) => async (args) => {
        if (Object.keys(input).length === 0) input = args.input;
        return next(args);
      },
      { step: "initialize" },
    );
    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    const again = table.dynamo.client.send(new UpdateItemCommand(input as never));
    await expect(again).rejects.toThrow("conditional request failed");
  });
});

describe("an edit that outlived its lease", () => {
  test("is run again on what the next holder left, and so repairs its own late write", async () => {
    const repository = newRepository();
    const slow = startFunction(table.dynamo);
    const quick = startFunction(table.dynamo);
    let document: string[] = [];
    let runs = 0;
    await slow.lease.edit(repository, adds("a"), slow.call(), async (held) => {
      const grants = [...(await reconciled(held, document)), "a"];
      await held.write("Test", 5_000, async () => {
        if (++runs > 1) return;
        await quick.lease.edit(repository, adds("b"), quick.call(), async (other) => {
          document = [...(await reconciled(other, document)), "b"];
          return nowGranted(...document);
        });
      });
      document = grants;
      return nowGranted(...grants);
    });
    expect([runs, document, (await recordOf(repository))?.grants]).toEqual([2, ["b", "a"], ["a", "b"]]);
  });

  test("is run again also where the record may have been its own: it cannot be told any more", async () => {
    const repository = newRepository();
    const slow = startFunction(table.dynamo);
    slow.network.fate = async (request) => {
      if (request === 2) return "lose the answer";
      if (request !== 3) return "pass";
      slow.clock.advance(10_000);
      const quick = startFunction(table.dynamo);
      await quick.lease.edit(repository, adds("b"), quick.call(), answering(nowGranted("b")));
      return "pass";
    };
    let runs = 0;
    await slow.lease.edit(repository, adds("a"), slow.call(), async (held) => {
      runs++;
      return nowGranted("a", ...(await reconciled(held, [])));
    });
    expect([runs, (await recordOf(repository))?.grants]).toEqual([2, ["a", "b"]]);
  });

  test("again and again is told to come back", async () => {
    const repository = newRepository();
    const slow = startFunction(table.dynamo);
    let runs = 0;
    const edit = slow.lease.edit(repository, adds("a"), slow.call(), async () => {
      runs++;
      const quick = startFunction(table.dynamo);
      await quick.lease.edit(repository, adds("b"), quick.call(), answering(nowGranted("b")));
      return nowGranted("a");
    });
    const error = await errorOf(() => edit);
    expect([runs, error.code, error.retryable]).toEqual([3, "RESOURCE_CONFLICT", true]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["b"] });
  });

  test("does not say that nothing was changed when there is no time to run again", async () => {
    const repository = newRepository();
    const slow = startFunction(table.dynamo);
    const over = new AbortController();
    const edit = slow.lease.edit(repository, adds("a"), slow.call({ signal: over.signal }), async () => {
      const quick = startFunction(table.dynamo);
      await quick.lease.edit(repository, adds("b"), quick.call(), answering(nowGranted("b")));
      await crash(repository);
      slow.clock.meanwhile = () => over.abort(new Error("over"));
      return nowGranted("a");
    });
    const error = await errorOf(() => edit);
    expect([error.code, error.retryable, error.hint]).toEqual([
      "RESOURCE_CONFLICT",
      true,
      expect.stringMatching(/may/),
    ]);
  });
});
