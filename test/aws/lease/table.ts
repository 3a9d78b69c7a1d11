import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Plan } from "../../../functions/aws/grants/changes.ts";
import { readIntents, readLease, readRecord, type SeenLease } from "../../../functions/aws/lease/item.ts";
import type { Outcome } from "../../../functions/aws/lease/lease.ts";
import { type Dynamo, startDynamo } from "./dynamo.ts";
import { answeredWith, startFunction } from "./function.ts";
import { grants, inWords, nameOf, readable } from "./words.ts";

/** A table of leases, as a test looks at it. */
export interface TestTable {
  /** To be asked for inside tests only. */
  readonly dynamo: Dynamo;
  leaseOf(repository: string): Promise<SeenLease | undefined>;
  /** Grants and plans are in words. */
  recordOf(repository: string): Promise<ReturnType<typeof inWords>>;
  plansOf(repository: string): Promise<readonly string[]>;
  /** Takes the lease and dies: the edit never ends. Resolves when the lease is held. */
  crash(repository: string, plan?: Plan): Promise<void>;
  /** As when the same owner took the lease once more. */
  renew(repository: string): Promise<void>;
}

/** A DynamoDB server for the tests of one file. */
export function useTable(): TestTable {
  let started: Dynamo | undefined;
  beforeAll(async () => {
    started = await startDynamo();
  });
  afterAll(() => started?.stop());
  const dynamo = () => {
    if (!started) throw new Error("The server has not been started.");
    return started;
  };
  return {
    get dynamo() {
      return dynamo();
    },
    leaseOf: async (repository) => readLease(await dynamo().item(repository)),
    recordOf: async (repository) => inWords(readRecord(await dynamo().item(repository))),
    plansOf: async (repository) => readIntents(await dynamo().item(repository)).map(readable),
    crash(repository, plan = adds("x")) {
      const { lease, call } = startFunction(dynamo());
      return new Promise((resolve) => {
        lease.edit(repository, plan, call(), () => {
          resolve();
          return new Promise<never>(() => {});
        });
      });
    },
    async renew(repository) {
      await dynamo().client.send(
        new UpdateItemCommand({
          TableName: dynamo().tableName,
          Key: { repository: { S: repository } },
          UpdateExpression: "ADD #counter :one REMOVE seenMs",
          ExpressionAttributeNames: { "#counter": "counter" },
          ExpressionAttributeValues: { ":one": { N: "1" } },
        }),
      );
    },
  };
}

let count = 0;
export const newRepository = () => `images-${++count}`;
export const adds = (...words: string[]): Plan => ({ adds: words.map(nameOf) });
export const removes = (...words: string[]): Plan => ({ removes: words.map(nameOf) });
export const nowGranted = (...words: string[]): Outcome<string> => ({ grants: grants(...words), result: "result" });
export const answering = (outcome: Outcome<string>) => async () => outcome;

/** A refusal that the platform has answered with. */
export const refused = new ArtifactRegistryError("ACCESS_DENIED", "denied", { cause: answeredWith("AccessDenied") });
