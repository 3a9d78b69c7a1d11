import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { byName, grantsOf } from "../../../../functions/aws/grants/grant.ts";
import { type Item, readLease, readRecord } from "../../../../functions/aws/lease/item.ts";
import { addRepository } from "../../../emulators/aws/ecr/state.ts";
import { bindPrincipals } from "../../../emulators/aws/identity/bound-principals.ts";
import type { CallRecord } from "../../../emulators/aws/index.ts";
import { type AwsStack, leaseTableSchema, startStack } from "../../support/stack.ts";
import { home, replicas } from "../calls.golden.ts";
import { type ApplicationParts, openApplication, type TestApplication } from "./application.ts";
import { makeConsumers } from "./consumers.ts";

export const regions = [home, ...replicas];
export type ApplicationName = "plain" | "keepLast" | "noTable" | "noRoles";
export type Applications = Readonly<Record<ApplicationName, TestApplication>>;

/** An account in which operations run over and over, each on a repository of its own. */
export interface Bench {
  readonly stack: AwsStack;
  /** The suite in the forms that the rows need, with these limits, and the lease table of the slot where it has its own. */
  applications(limits: ApplicationParts, slot?: Slot): Applications;
  slot(number: number): Slot;
  /** The suite of a registry with this prefix, which holds no other slot. */
  registry(prefix: string): Promise<TestApplication>;
  stop(): Promise<void>;
}

/** A repository and its lease, without anything else on them. */
export interface Slot {
  readonly logical: string;
  readonly name: string;
  /** The lease table. */
  readonly table: string;
  /** Takes the repository and its lease away, as if there had never been one. */
  clear(): Promise<void>;
  /** Keeps what there is now. Returns what brings it back. */
  save(): Promise<() => Promise<void>>;
  make(...regions: readonly string[]): void;
  /** Takes the repository away in these regions, as somebody does by hand. */
  lose(...regions: readonly string[]): void;
  setPolicy(statements: readonly object[]): void;
  item(): Promise<Item | undefined>;
  /** Lets the time pass that a lease lasts, for those who wait for it. */
  age(): Promise<void>;
  /** Whether a call is about this repository, or for a caller whose name begins with the slot's. */
  isAbout(call: CallRecord): boolean;
}

/** @param ownTables how many slots, from number 1 on, have a table of their own: what is read of the registry is told apart then */
export async function startBench(ownTables = 0): Promise<Bench> {
  const stack = await startStack({ replicaRegions: replicas });
  stack.useInThisProcess();
  const { emulator, account, leaseTable } = stack;
  const { world } = emulator;
  makeConsumers(emulator);
  const dynamo = new DynamoDBClient({ endpoint: emulator.url, region: home, credentials: emulator.admin() });
  const tableOf = (number: number) => (number >= 1 && number <= ownTables ? `${leaseTable}-${number}` : leaseTable);
  for (let number = 1; number <= ownTables; number++) {
    await dynamo.send(new CreateTableCommand({ TableName: tableOf(number), ...leaseTableSchema }));
  }
  for (let number = 1; number <= ownTables + 1; number++) {
    await dynamo.send(new PutItemCommand({ TableName: tableOf(number), Item: registryItem() }));
  }

  function applications(limits: ApplicationParts, slot?: Slot): Applications {
    const table = slot && { leaseTable: slot.table };
    const env = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };
    const open = (binding: object, more = env) =>
      openApplication(stack, { binding: { replicationRegions: replicas, ...table, ...binding }, env: more, ...limits });
    return {
      plain: open({}),
      keepLast: open({ repositoryDefaults: { keepLast: 5 } }),
      noTable: open({ leaseTable: undefined }, {} as typeof env),
      noRoles: open({ pullRoleArn: undefined, pushRoleArn: undefined }),
    };
  }

  function slot(number: number): Slot {
    const logical = `slot-${number}`;
    const name = `images-${logical}`;
    const about = new RegExp(`\\b${name}\\\\*"`);
    const Key = keyOf(name);
    const table = tableOf(number);
    const item = () => leaseItem(stack, name, table);
    return {
      logical,
      name,
      table,
      item,
      async clear() {
        this.lose(...regions);
        await dynamo.send(new DeleteItemCommand({ TableName: table, Key }));
      },
      async save() {
        const kept = await item();
        const registries = regions.map((region) => world.registry(account, region).repositories);
        const there = registries.map((repositories) => {
          const repository = repositories.get(name);
          return repository && { ...repository };
        });
        return async () => {
          for (const [index, repositories] of registries.entries()) {
            const repository = there[index];
            if (repository) repositories.set(name, { ...repository });
            else repositories.delete(name);
          }
          const TableName = table;
          await (kept
            ? dynamo.send(new PutItemCommand({ TableName, Item: kept }))
            : dynamo.send(new DeleteItemCommand({ TableName, Key })));
        };
      },
      make(...wanted) {
        for (const region of wanted) addRepository(world.registry(account, region), name, world.clock());
      },
      lose(...unwanted) {
        for (const region of unwanted) world.registry(account, region).repositories.delete(name);
      },
      setPolicy(Statement) {
        for (const region of regions) {
          const repository = world.registry(account, region).repositories.get(name);
          const document = { Version: "2012-10-17", Statement: Statement as never };
          if (repository) repository.policy = bindPrincipals(world.directory, document);
        }
      },
      async age() {
        const held = readLease(await item());
        if (held === undefined) return;
        await dynamo.send(
          new UpdateItemCommand({
            TableName: table,
            Key,
            UpdateExpression: "SET seenMs = :all",
            ExpressionAttributeValues: { ":all": { N: String(Math.ceil(held.leaseMs * 1.02)) } },
          }),
        );
      },
      isAbout({ input, principal = "" }) {
        const caller = `door-${logical}-`;
        return (
          about.test(JSON.stringify(input)) ||
          (table !== leaseTable && input.TableName === table) ||
          principal.includes(`/${caller}`) ||
          String(input.RoleSessionName).startsWith(caller)
        );
      },
    };
  }

  async function registry(prefix: string): Promise<TestApplication> {
    await dynamo.send(new PutItemCommand({ TableName: leaseTable, Item: registryItem(prefix) }));
    const env = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };
    return openApplication(stack, { binding: { replicationRegions: replicas, repositoryPrefix: prefix }, env });
  }

  return { stack, applications, slot, registry, stop: () => stack.stop() };
}

/** A registry's record, as its first edit leaves it. */
const registryItem = (prefix = "images"): Item => ({
  repository: { S: `${home}/${prefix}:registry` },
  version: { N: "1" },
  provisioned: { BOOL: false },
  regions: {
    M: Object.fromEntries(replicas.map((each) => [each, { M: { state: { S: "here" }, since: { N: "1" } } }])),
  },
});

const keyOf = (name: string) => ({ repository: { S: `${home}/${name}` } });

/** The lease item of a repository, as it is at this moment. */
export async function leaseItem(
  { emulator, leaseTable }: AwsStack,
  name: string,
  TableName = leaseTable,
): Promise<Item | undefined> {
  const dynamo = new DynamoDBClient({ endpoint: emulator.url, region: home, credentials: emulator.admin() });
  const input = { TableName, Key: keyOf(name), ConsistentRead: true };
  return (await dynamo.send(new GetItemCommand(input))).Item;
}

/** The names of the grants that an item has on record. */
export function recorded(item: Item | undefined): readonly string[] | undefined {
  const record = readRecord(item);
  return record && [...byName(grantsOf(record.grants)).keys()];
}
