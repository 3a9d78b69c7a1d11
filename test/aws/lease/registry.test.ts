import { GetItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { openTable } from "../../../functions/aws/lease/dynamo.ts";
import {
  createProcessRecord,
  createRegistryRecords,
  type RegionState,
  type RegistryRecords,
  regionsIn,
  statesOf,
  withEnd,
} from "../../../functions/aws/lease/registry.ts";
import { answeredWith, callAt, disturbedClient, type Fate, fakeClock } from "./function.ts";
import { useTable } from "./table.ts";

const table = useTable();
const call = () => callAt({ clock: fakeClock() });
let count = 0;

/** The record of a registry that nobody has written yet, and the requests that one function sends for it. */
function inTable() {
  const key = `us-east-1/images-${++count}:registry`;
  const { client, tableName } = table.dynamo;
  const open = () => {
    const network = disturbedClient(table.dynamo);
    return { network, records: createRegistryRecords(openTable({ tableName, client: network.client }), key) };
  };
  const Key = { repository: { S: key } };
  return {
    key,
    open,
    item: async () => (await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item,
    put: (more: object) =>
      client.send(new PutItemCommand({ TableName: tableName, Item: { ...Key, ...more } as never })),
    set: (UpdateExpression: string, values: object) =>
      client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          UpdateExpression,
          ExpressionAttributeValues: values as never,
        }),
      ),
  };
}

const to = (states: Readonly<Record<string, RegionState>>, provisioned = true) => ({ provisioned, states });
const all = (records: RegistryRecords) => records.read(call()).then(statesOf);

const kinds: Readonly<Record<string, () => RegistryRecords>> = {
  "in the table": () => inTable().open().records,
  "in the process": createProcessRecord,
};

describe.each(Object.entries(kinds))("a record %s", (_where, open) => {
  test("says nothing at first", async () => {
    expect(await open().read(call())).toMatchObject({ version: 0, provisioned: false, regions: {} });
  });

  test("says what was written, and since which version a region is in its state", async () => {
    const records = open();
    await records.change(call(), () => to({ "eu-west-1": "here", "eu-north-1": "filling" }));
    await records.change(call(), (before) => ({ ...before, states: { ...statesOf(before), "eu-west-1": "leaving" } }));
    const record = await records.read(call());
    expect(record).toMatchObject({
      version: 2,
      provisioned: true,
      regions: { "eu-west-1": { state: "leaving", since: 2 }, "eu-north-1": { state: "filling", since: 1 } },
    });
    expect(regionsIn(record, "here", "filling")).toEqual(["eu-north-1"]);
    expect(regionsIn(record, "leaving", "filling")).toEqual(["eu-north-1", "eu-west-1"]);
  });

  test("says how far a region has come, until it comes into another state", async () => {
    const records = open();
    const states = { "eu-west-1": "leaving", "eu-north-1": "filling" } as const;
    await records.change(call(), () => to(states));
    const half = await records.change(call(), () => ({ ...to(states), done: { "eu-west-1": "images-m" } }));
    expect(half).toEqual(await records.read(call()));
    expect(half.regions).toEqual({
      "eu-west-1": { state: "leaving", since: 1, done: "images-m" },
      "eu-north-1": { state: "filling", since: 1 },
    });
    expect((await records.change(call(), () => to(states))).version).toBe(2);
    const back = await records.change(call(), () => to({ ...states, "eu-west-1": "filling" }));
    expect(back.regions["eu-west-1"]).toEqual({ state: "filling", since: 3 });
  });

  test("is not written where nothing changes", async () => {
    const records = open();
    const wanted = to({ "eu-west-1": "here" });
    const first = await records.change(call(), () => wanted);
    const again = call();
    expect(await records.change(again, () => wanted)).toEqual(first);
    expect(again.upstreamCalls).toBeLessThanOrEqual(1);
    expect(await records.change(call(), () => undefined)).toEqual(first);
    expect((await records.change(call(), () => to({ "eu-west-1": "here" }, false))).version).toBe(2);
    expect((await records.change(call(), () => to({}, false))).regions).toEqual({});
  });
});

describe("a record in the table", () => {
  test("loses nothing of what many write at once", async () => {
    const { open } = inTable();
    const regions = Array.from({ length: 8 }, (_, n) => `eu-test-${n}`);
    await Promise.all(
      regions.map((region) =>
        open().records.change(call(), (before) => ({
          ...before,
          states: { ...statesOf(before), [region]: "leaving" },
        })),
      ),
    );
    const record = await open().records.read(call());
    expect([regionsIn(record, "leaving"), record.version]).toEqual([regions, 8]);
  });

  test("is read as it is, and written on what it was", async () => {
    const { open } = inTable();
    const [one, other] = [open(), open()];
    const seen: Record<string, RegionState>[] = [];
    one.network.fate = async (request): Promise<Fate> => {
      if (request === 2) await other.records.change(call(), () => to({ "eu-west-1": "leaving" }));
      return "pass";
    };
    await one.records.change(call(), (before) => {
      seen.push(statesOf(before));
      return to({ ...statesOf(before), "eu-north-1": "filling" });
    });
    expect(seen).toEqual([{}, { "eu-west-1": "leaving" }]);
    expect(await all(one.records)).toEqual({ "eu-west-1": "leaving", "eu-north-1": "filling" });
    expect(one.network.sent.slice(0, 4)).toEqual(["GetItem", "UpdateItem", "GetItem", "UpdateItem"]);
  });

  test("knows its own change when the answer was lost", async () => {
    const { open } = inTable();
    const { network, records } = open();
    network.fate = (request) => (request === 2 ? "lose the answer" : "pass");
    const written = await records.change(call(), (before) => to({ ...statesOf(before), "eu-west-1": "leaving" }));
    expect(written).toMatchObject({ version: 1, regions: { "eu-west-1": { since: 1 } } });
  });

  test("gives up where others always win", async () => {
    const { open } = inTable();
    const [one, other] = [open(), open()];
    let n = 0;
    one.network.fate = async (_, name): Promise<Fate> => {
      if (name === "UpdateItemCommand") await other.records.change(call(), () => to({ [`eu-test-${++n}`]: "here" }));
      return "pass";
    };
    const change = one.records.change(call(), () => to({ "eu-west-1": "leaving" }));
    await expect(change).rejects.toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect(n).toBe(20);
  });

  test("keeps what it does not know", async () => {
    const { open, item, set } = inTable();
    const { records } = open();
    await records.change(call(), () => to({ "eu-west-1": "here" }));
    await set("SET later = :some", { ":some": { S: "kept" } });
    await records.change(call(), () => to({ "eu-west-1": "leaving" }));
    expect((await item())?.later).toEqual({ S: "kept" });
  });

  test("is forgotten after a while where it says nothing any more, and only then", async () => {
    const { open, item } = inTable();
    const { records } = open();
    await records.change(call(), () => to({}));
    expect((await item())?.expiresAt).toBeUndefined();
    await records.change(call(), () => to({}, false));
    const seconds = fakeClock().date().getTime() / 1_000;
    expect((await item())?.expiresAt).toEqual({ N: String(seconds + 7_200) });
    await records.change(call(), () => to({ "eu-west-1": "here" }, false));
    expect((await item())?.expiresAt).toBeUndefined();
  });

  const broken: Readonly<Record<string, object>> = {
    "a version that is no number": { version: { S: "one" }, provisioned: { BOOL: true }, regions: { M: {} } },
    "no word on provisioning": { version: { N: "1" }, regions: { M: {} } },
    "no regions": { version: { N: "1" }, provisioned: { BOOL: true } },
    "an unknown state": {
      version: { N: "1" },
      provisioned: { BOOL: true },
      regions: { M: { "eu-west-1": { M: { state: { S: "gone" }, since: { N: "1" } } } } },
    },
    "a state without its version": {
      version: { N: "1" },
      provisioned: { BOOL: true },
      regions: { M: { "eu-west-1": { M: { state: { S: "here" } } } } },
    },
    "a region of another form": {
      version: { N: "1" },
      provisioned: { BOOL: true },
      regions: { M: { "eu-west-1": { S: "here" } } },
    },
  };
  test.each(Object.entries(broken))("with %s is an error, never an empty one", async (_what, attributes) => {
    const { open, put } = inTable();
    await put(attributes);
    const { records } = open();
    await expect(records.read(call())).rejects.toMatchObject({
      code: "UNEXPECTED_RESPONSE_FORMAT",
      hint: expect.stringContaining("provisionRegistry"),
    });
    await expect(records.change(call(), () => to({}))).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT" });
  });

  test("is not taken for an empty one where the table does not answer", async () => {
    const { network, records } = inTable().open();
    network.fate = () => answeredWith("AccessDeniedException");
    await expect(records.read(call())).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });
});

test("the end of a consumer is known for two hours, longer than events are taken", () => {
  const now = new Date("2031-05-06T07:08:09Z");
  const before = (ms: number) => new Date(now.getTime() - ms);
  const ended = { old: before(7_200_001), late: before(7_200_000), again: before(1) };
  const record = { version: 1, provisioned: true, regions: {}, refused: [], ended };
  expect(withEnd(record, "again", now)).toEqual({ late: ended.late, again: now });
  expect(regionsIn({ ...record, ended: withEnd(record, "new", now) }, "here")).toEqual([]);
});
