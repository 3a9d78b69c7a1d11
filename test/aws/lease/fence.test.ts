import { PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { fence } from "../../../functions/aws/lease/item.ts";
import { startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, removes, useTable } from "./table.ts";
import { reconciled } from "./words.ts";

const table = useTable();
const { leaseOf, recordOf, plansOf, crash } = table;

/** Requests as functions of earlier versions, up to commit eccb7f4, send them. */
function earlierFunction(repository: string, owner = "an-earlier-function") {
  const { client, tableName } = table.dynamo;
  const send = async (ConditionExpression: string, UpdateExpression: string, values: object) => {
    const names = { "#owner": "owner", "#counter": "counter", "#lastOwner": "lastOwner", "#leaseMs": "leaseMs" };
    const used = Object.entries(names).filter(([name]) => `${ConditionExpression} ${UpdateExpression}`.includes(name));
    const input = {
      TableName: tableName,
      Key: { repository: { S: repository } },
      ConditionExpression,
      UpdateExpression,
      ExpressionAttributeNames: Object.fromEntries(used),
      ExpressionAttributeValues: { ":me": { S: owner }, ...values },
    };
    try {
      await client.send(new UpdateItemCommand(input));
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "ConditionalCheckFailedException") return false;
      throw error;
    }
  };
  const taking = "SET #owner = :me, #leaseMs = :leaseMs REMOVE seenMs, expiresAt ADD #counter :one";
  const mine = { ":leaseMs": { N: "10000" }, ":one": { N: "1" } };
  return {
    takeFree: () =>
      send(
        "(attribute_not_exists(#owner) AND (attribute_not_exists(#lastOwner) OR #lastOwner <> :me)) OR #owner = :me",
        taking,
        mine,
      ),
    takeSeen: (seen: string, counter: string) =>
      send("(#owner = :seen AND #counter = :counter) OR #owner = :me", taking, {
        ...mine,
        ":seen": { S: seen },
        ":counter": { N: counter },
      }),
    giveBack: () => send("#owner = :me", "SET #lastOwner = :me REMOVE #owner, #leaseMs", {}),
  };
}

describe("an item of an earlier version", () => {
  test("that nobody holds is taken at once, and held against earlier functions from then on", async () => {
    const repository = newRepository();
    const earlier = earlierFunction(repository);
    expect([await earlier.takeFree(), await earlier.giveBack()]).toEqual([true, true]);
    const { lease, call, clock } = startFunction(table.dynamo);
    await lease.edit(repository, adds("a"), call(), async () => {
      expect(await leaseOf(repository)).toMatchObject({ leaseMs: 10_000, earlier: false });
      expect(await earlierFunction(repository, "another").takeFree()).toBe(false);
      return nowGranted("a");
    });
    expect(clock.waits).toEqual([]);
    expect(await leaseOf(repository)).toBeUndefined();
    const { counter } = (await table.dynamo.item(repository)) ?? {};
    expect(await earlierFunction(repository, "another").takeFree()).toBe(false);
    expect(counter?.N).toBe("2");
  });

  test("that an earlier function holds is waited for until it gives it back", async () => {
    const repository = newRepository();
    const earlier = earlierFunction(repository);
    await earlier.takeFree();
    const { lease, call, clock } = startFunction(table.dynamo);
    clock.meanwhile = async () => {
      if (clock.waits.length === 3) await earlier.giveBack();
    };
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(clock.waits).toEqual([100, 200, 400]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["b"] });
  });

  test("whose earlier holder vanished is taken over when its lease is over, with its plan", async () => {
    const repository = newRepository();
    const earlier = earlierFunction(repository);
    await earlier.takeFree();
    const { lease, call, clock } = startFunction(table.dynamo, { leaseMs: 1 });
    await lease.edit(repository, removes("y"), call(), async () => {
      expect(await plansOf(repository)).toEqual(["-y"]);
      return nowGranted();
    });
    expect(clock.now()).toBeGreaterThanOrEqual(10_000);
    expect(clock.now()).toBeLessThan(10_200);
    // It finds its lease gone, as it always did when it was too slow.
    expect(await earlier.giveBack()).toBe(false);
  });

  test("counts what those who waited for an earlier holder have seen", async () => {
    const repository = newRepository();
    await earlierFunction(repository).takeFree();
    const { lease, call, clock } = startFunction(table.dynamo);
    const over = new AbortController();
    clock.meanwhile = () => {
      if (clock.now() >= 6_000) over.abort(new Error("over"));
    };
    const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
    await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
    expect((await leaseOf(repository))?.seenMs).toBeGreaterThan(4_000);
    const next = startFunction(table.dynamo);
    await next.lease.edit(repository, adds("b"), next.call(), answering(nowGranted("b")));
    expect(next.clock.now()).toBeLessThan(6_000);
  });
});

describe("an item that was held once", () => {
  test.each(["free", "held"])("and is %s is taken by no earlier function, however it asks", async (state) => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    if (state === "held") await crash(repository);
    const before = await table.dynamo.item(repository);
    const { owner, leaseMs, counter } = before ?? {};
    expect(owner?.S).toBe(fence);
    // What an earlier function may have seen before: its own kind, or the fence with the counter of then or of now.
    const earlier = earlierFunction(repository);
    expect(await earlier.takeFree()).toBe(false);
    expect(await earlier.takeSeen("a-holder-of-its-kind", "1")).toBe(false);
    expect(await earlier.takeSeen(fence, "0")).toBe(false);
    expect(await earlier.giveBack()).toBe(false);
    expect(await table.dynamo.item(repository)).toEqual(before);
    // It would ask for the lease that it sees only when that is over.
    expect(Number(leaseMs?.N)).toBeGreaterThan(1_000 * 365 * 24 * 3_600 * 1_000);
    expect(Number(counter?.N)).toBeGreaterThan(0);
  });

  test("stays so when its repository is deleted, for as long as that is remembered", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await lease.edit(repository, removes("a"), call(), async () => ({ ...nowGranted(), deleted: true }));
    expect(await table.dynamo.item(repository)).toMatchObject({ owner: { S: fence }, expiresAt: expect.anything() });
    expect(await earlierFunction(repository).takeFree()).toBe(false);
  });

  test("is an earlier function's again when the fence is taken away, and ours after it", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    await crash(repository);
    const { client, tableName } = table.dynamo;
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { repository: { S: repository } },
        UpdateExpression: "REMOVE #owner",
        ConditionExpression: "#owner = :fence",
        ExpressionAttributeNames: { "#owner": "owner" },
        ExpressionAttributeValues: { ":fence": { S: fence } },
      }),
    );
    const earlier = earlierFunction(repository);
    expect(await earlier.takeFree()).toBe(true);
    expect(await leaseOf(repository)).toMatchObject({ owner: "an-earlier-function", earlier: true });
    expect(await earlier.giveBack()).toBe(true);
    // What was left of our own holder says nothing without the fence.
    await lease.edit(repository, adds("b"), call(), async (held) => nowGranted("b", ...(await reconciled(held, []))));
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b"] });
  });

  test("that cannot be read is an error", async () => {
    const repository = newRepository();
    const { client, tableName } = table.dynamo;
    const Item = { repository: { S: repository }, owner: { S: fence }, holder: { S: "somebody" }, counter: { N: "1" } };
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
    const { lease, call } = startFunction(table.dynamo);
    const edit = lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    await expect(edit).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT" });
  });
});
