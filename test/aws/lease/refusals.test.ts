import { CreateTableCommand, DescribeTableCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { createLeaseTable } from "../../../functions/aws/lease/table.ts";
import { errorOf } from "../../support/inputs.ts";
import { answeredWith, type Fate, startFunction } from "./function.ts";
import { adds, answering, newRepository, nowGranted, useTable } from "./table.ts";
import { reconciled } from "./words.ts";

const table = useTable();
const { leaseOf } = table;

describe("what DynamoDB refuses", () => {
  const cases: [string, Fate, string, boolean, RegExp][] = [
    [
      "ResourceNotFoundException",
      answeredWith("ResourceNotFoundException"),
      "BINDING_CONFIG_INVALID",
      false,
      /repository/,
    ],
    [
      "AccessDeniedException",
      answeredWith("AccessDeniedException"),
      "ACCESS_DENIED",
      false,
      /dynamodb:UpdateItem.*leases/,
    ],
    ["ThrottlingException", answeredWith("ThrottlingException"), "RATE_LIMIT_EXCEEDED", true, /undefined/],
    ["no answer", "never arrive", "SERVICE_UNAVAILABLE", true, /undefined/],
    ["InternalServerError", answeredWith("InternalServerError", 500), "SERVICE_UNAVAILABLE", true, /undefined/],
    [
      "ProvisionedThroughputExceededException",
      answeredWith("ProvisionedThroughputExceededException"),
      "RATE_LIMIT_EXCEEDED",
      true,
      /undefined/,
    ],
  ];
  test.each(cases)("%s", async (_, fate, code, retryable, hint) => {
    const { lease, call, network } = startFunction(table.dynamo);
    network.fate = () => fate;
    const error = await errorOf(() => lease.edit(newRepository(), {}, call(), answering(nowGranted())));
    expect([error.code, error.retryable]).toEqual([code, retryable]);
    expect(String(error.hint)).toMatch(hint);
    expect(JSON.stringify(error.toWire("r"))).not.toContain("secret");
  });

  test("once: what is retryable is tried again", async () => {
    const { lease, call, network } = startFunction(table.dynamo);
    network.fate = (request) => (request % 2 === 1 ? answeredWith("ThrottlingException") : "pass");
    expect(await lease.edit(newRepository(), {}, call(), answering(nowGranted()))).toBe("result");
    expect(network.sent).toHaveLength(4);
  });

  test("a table that is missing, or has another key, is named", async () => {
    const { client } = table.dynamo;
    const definition = [{ AttributeName: "id", AttributeType: "S" as const }];
    const key = [{ AttributeName: "id", KeyType: "HASH" as const }];
    await client.send(
      new CreateTableCommand({
        TableName: "other-key",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: definition,
        KeySchema: key,
      }),
    );
    await expect
      .poll(async () => (await client.send(new DescribeTableCommand({ TableName: "other-key" }))).Table?.TableStatus)
      .toBe("ACTIVE");
    for (const tableName of ["missing", "other-key"]) {
      const { lease, call } = startFunction(table.dynamo, { tableName });
      const error = await errorOf(() => lease.edit("r", {}, call(), answering(nowGranted())));
      expect([error.code, error.context]).toEqual(["BINDING_CONFIG_INVALID", { field: "leaseTable" }]);
      expect(error.message).toContain(tableName);
    }
  });

  test("an item that is not ours is not taken for an empty one, and the lease is given back", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(table.dynamo);
    const write = (grants: object) =>
      table.dynamo.client.send(
        new UpdateItemCommand({
          TableName: table.dynamo.tableName,
          Key: { repository: { S: repository } },
          UpdateExpression: "SET grants = :grants",
          ExpressionAttributeValues: { ":grants": grants as never },
        }),
      );
    for (const grants of [{ S: "a" }, { L: [{ N: "1" }] }, { L: [] }]) {
      await write(grants);
      const error = await errorOf(() => lease.edit(repository, {}, call(), answering(nowGranted())));
      expect([error.code, error.retryable]).toEqual(["UNEXPECTED_RESPONSE_FORMAT", false]);
      expect(await leaseOf(repository)).toBeUndefined();
    }
  });
});

test("the client is made when it is first needed, and again if that failed", async () => {
  let made = 0;
  const client = async () => {
    if (++made === 1) throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "not yet");
    return table.dynamo.client;
  };
  const { call } = startFunction(table.dynamo);
  const lease = createLeaseTable({ tableName: table.dynamo.tableName, leaseMs: 1_000, client });
  expect(made).toBe(0);
  await expect(lease.edit(newRepository(), {}, call(), answering(nowGranted()))).rejects.toThrow("not yet");
  await lease.edit(newRepository(), {}, call(), answering(nowGranted()));
  await lease.edit(newRepository(), {}, call(), answering(nowGranted()));
  // The lease that may have been taken was given back by the second.
  expect(made).toBe(2);
});

test("edits that are refused leave the item as small as it was, however many there are", async () => {
  const repository = newRepository();
  const { lease, call } = startFunction(table.dynamo);
  await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
  const sizes = new Set<number>();
  for (let index = 0; index < 60; index++) {
    const failure = new Error("refused");
    const edit = lease.edit(repository, adds(`x${index}`), call(), async (held) => {
      await held.write("Test", 1_000, async () => "refused");
      return { ...nowGranted("a"), failure };
    });
    await expect(edit).rejects.toBe(failure);
    sizes.add((await table.plansOf(repository)).length);
  }
  expect([...sizes]).toEqual([0]);
  expect(await table.recordOf(repository)).toMatchObject({ grants: ["a"] });
});

test("edits that failed half way leave plans, which stand for everything when there are too many", async () => {
  const repository = newRepository();
  const { lease, call } = startFunction(table.dynamo);
  await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
  for (let index = 0; index < 120; index++) {
    const edit = lease.edit(repository, adds(`x${index}`), call(), async (held) => {
      await held.write("Test", 1_000, async () => "written");
      throw new Error("failed");
    });
    await expect(edit).rejects.toThrow("failed");
  }
  const plans = await table.plansOf(repository);
  expect(plans).toContain("+*");
  expect(plans.length).toBeLessThan(30);
  await lease.edit(repository, {}, call(), async (held) => nowGranted(...(await reconciled(held, ["a", "x3"]))));
  expect(await table.recordOf(repository)).toMatchObject({ grants: ["a", "x3"] });
});
