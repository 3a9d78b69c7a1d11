import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { account, grantSet, grantsOf, worker } from "../../../functions/aws/grants/grant.ts";
import { fence, fenceMs, readRecord } from "../../../functions/aws/lease/item.ts";
import type { Held } from "../../../functions/aws/lease/lease.ts";
import { errorOf } from "../../support/inputs.ts";
import { startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, refused, removes, useTable } from "./table.ts";
import { grant, grants, inWords, nameOf, reconciled } from "./words.ts";

const table = useTable();
const { leaseOf, recordOf, plansOf } = table;

describe("an edit that nobody disturbs", () => {
  test("costs two requests, counted, and leaves what it answered", async () => {
    const repository = newRepository();
    const { lease, network, call, clock } = startFunction(table.dynamo);
    const first = call();
    const result = await lease.edit(repository, adds("b"), first, async () => {
      expect(await recordOf(repository)).toBeUndefined();
      expect(await leaseOf(repository)).toMatchObject({ leaseMs: 10_000, seenMs: 0 });
      expect(await plansOf(repository)).toEqual(["+b"]);
      return nowGranted("b", "a", "b");
    });
    expect([result, first.upstreamCalls, network.sent]).toEqual(["result", 2, ["UpdateItem", "UpdateItem"]]);
    expect(await table.dynamo.item(repository)).toEqual({
      repository: { S: repository },
      owner: { S: fence },
      leaseMs: { N: String(fenceMs) },
      counter: { N: "1" },
      lastOwner: { S: expect.any(String) },
      grants: { L: [{ S: nameOf("a") }, { S: nameOf("b") }] },
      lastUpdated: { S: clock.date().toISOString() },
    });
    await lease.edit(repository, {}, call(), async () => {
      expect(await recordOf(repository)).toEqual({ grants: ["a", "b"], lastUpdated: clock.date(), deleted: false });
      return { grants: grants(), result: "" };
    });
    expect(await recordOf(repository)).toEqual({ grants: [], lastUpdated: clock.date(), deleted: false });
  });

  test("writes grants as it is told, and reads them so", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    const [id, regions] = ["111111111111", ["eu-west-1", "us-east-1"]];
    const set = grantSet([account(id), ...regions.map((region) => worker(id, region))]);
    await lease.edit(repository, {}, call(), answering({ grants: set, result: "result" }));
    const lines = ["account:111111111111", "worker:111111111111:eu-west-1,us-east-1"];
    expect(await table.dynamo.item(repository)).toMatchObject({ grants: { L: lines.map((line) => ({ S: line })) } });
    await lease.edit(repository, {}, call(), async ({ reconcile }) => {
      expect((await lease.recorded(repository, call()))?.grants).toEqual(set);
      expect(await reconcile({ own: grantsOf(set).slice(1), adopted: [] })).toEqual(set);
      return nowGranted("a");
    });
    expect(await leaseOf(repository)).toBeUndefined();
  });

  test("an item that an earlier version wrote is read, with its plan and its hash of the document", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    const written = {
      repository: { S: repository },
      counter: { N: "7" },
      lastOwner: { S: "5c4d9c6e-6f0e-4d0f-9d4c-2f4b6c1f8a11" },
      grants: { L: [{ S: nameOf("a") }, { S: "worker:111111111111:eu-west-1,us-east-1" }] },
      documentHash: { S: "0".repeat(64) },
      lastUpdated: { S: "2025-12-31T23:59:59.000Z" },
      lastRevoked: { S: "2025-12-31T00:00:00.000Z" },
      intents: { SS: [`-${nameOf("a")}`, "-worker:111111111111:*", `+${nameOf("b")}`] },
    };
    const { client, tableName: TableName } = table.dynamo;
    await client.send(new PutItemCommand({ TableName, Item: written }));
    await lease.edit(repository, adds("c"), call(), async (held) => {
      expect(await lease.recorded(repository, call())).toEqual({
        grants: grantSet([grant("a"), ...["eu-west-1", "us-east-1"].map((region) => worker("111111111111", region))]),
        lastUpdated: new Date("2025-12-31T23:59:59.000Z"),
        lastRevoked: new Date("2025-12-31T00:00:00.000Z"),
        deleted: false,
      });
      // The revocation took effect, and the addition too.
      return nowGranted(...(await reconciled(held, ["b"])), "c");
    });
    expect(await table.dynamo.item(repository)).toMatchObject({
      counter: { N: "8" },
      grants: { L: [{ S: nameOf("b") }, { S: nameOf("c") }] },
      lastRevoked: { S: clock.date().toISOString() },
    });
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
  });

  test("one that revokes is remembered, whatever the clock says later", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    const revoked = clock.date();
    expect(await recordOf(repository)).toMatchObject({ lastRevoked: revoked });
    clock.advance(-5_000);
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    clock.advance(9_000);
    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    expect(await recordOf(repository)).toMatchObject({ lastRevoked: revoked });
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    expect(await recordOf(repository)).toMatchObject({ lastRevoked: clock.date() });
  });

  test("an event that is not younger than the last revocation is refused, and the plan of it is dropped", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    clock.advance(1_000);
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    const setUp = (asOf: Date) =>
      lease.edit(repository, adds("a"), call({ asOf }), async (held) => {
        const before = await reconciled(held, []);
        held.refuseStale();
        return nowGranted(...before, "a");
      });
    const error = await errorOf(() => setUp(clock.date()));
    expect([error.code, error.retryable, error.context]).toEqual(["RESOURCE_CONFLICT", false, { field: "time" }]);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
    await setUp(new Date(clock.date().getTime() + 1));
    expect(await recordOf(repository)).toMatchObject({ grants: ["a"] });
  });
});

describe("a deletion", () => {
  test("leaves a tombstone that the table forgets, until the repository is there again", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(table.dynamo);
    await lease.edit(repository, removes("*"), call(), answering({ grants: grants(), deleted: true, result: "" }));
    const seconds = clock.date().getTime() / 1_000;
    const tombstone = await table.dynamo.item(repository);
    expect(tombstone).toMatchObject({ deleted: { BOOL: true }, expiresAt: { N: String(seconds + 7_200) } });
    expect(inWords(readRecord(tombstone))).toMatchObject({ deleted: true, grants: [], lastRevoked: clock.date() });

    const failing = lease.edit(repository, adds("a"), call(), async () => {
      expect(await table.dynamo.item(repository)).not.toHaveProperty("expiresAt");
      throw refused;
    });
    await expect(failing).rejects.toBe(refused);
    expect(await table.dynamo.item(repository)).toHaveProperty("expiresAt");

    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    const item = await table.dynamo.item(repository);
    expect(item).not.toHaveProperty("expiresAt");
    expect(readRecord(item)).toMatchObject({ deleted: false, lastRevoked: clock.date() });
  });

  test("what was left of an edit of a repository that is not there is forgotten too", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await expect(lease.edit(repository, adds("a"), call(), () => Promise.reject(refused))).rejects.toBe(refused);
    expect(Object.keys((await table.dynamo.item(repository)) ?? {}).sort()).toEqual([
      "counter",
      "expiresAt",
      "lastOwner",
      "leaseMs",
      "owner",
      "repository",
    ]);
  });
});

describe("grants in statements of earlier tools", () => {
  test("are written down before they are written anew, so that a crash does not lose them", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("a")));
    const upstream = call();
    const edit = lease.edit(repository, adds("b"), upstream, async (held) => {
      expect(await reconciled(held, ["a"], ["old"])).toEqual(["a", "old"]);
      expect(await plansOf(repository)).toEqual(["+b", "+old"]);
      await held.write("Test", 1_000, async () => "written");
      throw refused;
    });
    await expect(edit).rejects.toBe(refused);
    expect(upstream.upstreamCalls).toBe(4);
    await lease.edit(repository, adds("c"), call(), async (held) =>
      nowGranted(...(await reconciled(held, ["a", "b", "old"]))),
    );
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b", "old"] });
  });

  test("stop an edit whose lease is another's by then", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("a")));
    const edit = lease.edit(repository, adds("b"), call(), async (held) => {
      const quick = startFunction(table.dynamo);
      await quick.lease.edit(repository, {}, quick.call(), answering(nowGranted("a")));
      await reconciled(held, ["a"], ["old"]);
      return expect.fail("it went on");
    });
    await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect(await plansOf(repository)).toEqual([]);
  });

  test("cost nothing more once they are recorded, or where nothing is", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    for (let round = 0; round < 2; round++) {
      const upstream = call();
      const work = async (held: Held) => nowGranted(...(await reconciled(held, [], ["old"])));
      await lease.edit(repository, adds("a"), upstream, work);
      expect(upstream.upstreamCalls).toBe(2);
    }
  });
});
