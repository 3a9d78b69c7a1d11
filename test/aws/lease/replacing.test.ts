import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { errorOf } from "../../support/inputs.ts";
import { startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, refused, useTable } from "./table.ts";

const table = useTable();
const { recordOf } = table;

const granted = async (repository: string) => {
  const { lease, call } = startFunction(table.dynamo);
  await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
};

describe("before a repository is made in the place of one that is gone", () => {
  test("the record says that the earlier one is gone, whatever becomes of the edit", async () => {
    const repository = newRepository();
    await granted(repository);
    const { lease, call } = startFunction(table.dynamo);
    const failing = lease.edit(repository, {}, call(), async (held) => {
      await held.replaces();
      throw refused;
    });
    expect(await errorOf(() => failing)).toMatchObject({ code: "ACCESS_DENIED" });
    expect(await recordOf(repository)).toMatchObject({ deleted: true });
  });

  test.each([
    ["nothing was ever granted", async () => {}],
    [
      "the record says so already",
      async (repository: string) => {
        await granted(repository);
        const { lease, call } = startFunction(table.dynamo);
        await lease.edit(repository, {}, call(), async () => ({ ...nowGranted(), deleted: true }));
      },
    ],
  ])("nothing is written where %s", async (_where, arrange) => {
    const repository = newRepository();
    await arrange(repository);
    const { lease, network, call } = startFunction(table.dynamo);
    let before = 0;
    await lease.edit(repository, {}, call(), async (held) => {
      before = network.sent.length;
      await held.replaces();
      expect(network.sent).toHaveLength(before);
      return nowGranted();
    });
    expect(before).toBe(1);
  });

  test("an edit that no longer has its lease is over, and the same call again does it", async () => {
    const repository = newRepository();
    await granted(repository);
    const { lease, call } = startFunction(table.dynamo);
    const { client, tableName } = table.dynamo;
    let runs = 0;
    const replace = () =>
      lease.edit(repository, {}, call(), async (held) => {
        const Key = { repository: { S: repository } };
        if (++runs === 1) await client.send(new DeleteItemCommand({ TableName: tableName, Key }));
        await held.replaces();
        return nowGranted(`run${runs}`);
      });
    expect(await errorOf(replace)).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect(await recordOf(repository)).toBeUndefined();
    await replace();
    expect(await recordOf(repository)).toMatchObject({ grants: ["run2"] });
  });
});
