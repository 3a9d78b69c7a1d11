import type {
  AttributeValue,
  DynamoDBClient,
  GetItemCommandInput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { once } from "../../../core/once.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import { sdkSettings } from "../sdk-settings.ts";
import { type Item, keyAttribute } from "./item.ts";

export interface TableOptions {
  /** Partition key `repository` (S), no sort key; time-to-live attribute `expiresAt`. */
  readonly tableName: string;
  /**
   * The client, made with `maxAttempts: 1`; a function is called when it is first needed. Absent: made from the environment
   * when it is first needed.
   */
  readonly client?: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>);
  /** Milliseconds for one request to DynamoDB. Default 3,000. */
  readonly requestTimeoutMs?: number;
}

/** The answer to a conditional write: what the item was before, or that the condition did not hold. */
export type Written = { readonly held: true; readonly before: Item } | { readonly held: false; readonly tries: number };

/** One conditional write, and the names and values that it speaks of. */
export type Update = Omit<UpdateItemCommandInput, "TableName" | "Key">;

/** The DynamoDB table of leases, item by item. */
export interface Table {
  /** The item as it is at this moment. */
  read(key: string, call: Call): Promise<Item | undefined>;
  update(key: string, update: Update, call: Call): Promise<Written>;
}

export function openTable({ tableName, client = newClient, requestTimeoutMs = 3_000 }: TableOptions): Table {
  const open = once(() => (typeof client === "function" ? client() : client));
  const itemOf = (key: string) => ({ TableName: tableName, Key: { [keyAttribute]: { S: key } } });

  return {
    read(key, call) {
      const what = "DynamoDB GetItem";
      const input: GetItemCommandInput = { ...itemOf(key), ConsistentRead: true };
      const send = async (abortSignal: AbortSignal) => {
        try {
          const [{ GetItemCommand }, dynamo] = await Promise.all([import("@aws-sdk/client-dynamodb"), open()]);
          return (await dynamo.send(new GetItemCommand(input), { abortSignal })).Item;
        } catch (error) {
          throw translateDynamoError(error, what, tableName);
        }
      };
      return call.upstream(what, send, { timeoutMs: requestTimeoutMs });
    },

    update(key, update, call) {
      const what = "DynamoDB UpdateItem";
      const input: UpdateItemCommandInput = { ...itemOf(key), ...update };
      let tries = 0;
      const send = async (abortSignal: AbortSignal): Promise<Written> => {
        tries++;
        try {
          const [{ UpdateItemCommand }, dynamo] = await Promise.all([import("@aws-sdk/client-dynamodb"), open()]);
          const { Attributes = {} } = await dynamo.send(new UpdateItemCommand(input), { abortSignal });
          return { held: true, before: Attributes };
        } catch (error) {
          if (isServiceError(error, "ConditionalCheckFailedException")) return { held: false, tries };
          throw translateDynamoError(error, what, tableName);
        }
      };
      return call.upstream(what, send, { timeoutMs: requestTimeoutMs });
    },
  };
}

/** An update that sets these attributes, and removes those that are undefined. */
export function changing(changes: Readonly<Record<string, AttributeValue | undefined>>) {
  const fields = Object.entries(changes);
  const set = fields.flatMap(([name, value]) => (value ? [{ name, value }] : []));
  const removed = fields.filter(([, value]) => value === undefined);
  const clauses = [
    `SET ${set.map(({ name }) => `#${name} = :${name}`).join(", ")}`,
    ...(removed.length > 0 ? [`REMOVE ${removed.map(([name]) => `#${name}`).join(", ")}`] : []),
  ];
  return {
    expression: clauses.join(" "),
    names: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(set.map(({ name, value }) => [`:${name}`, value])),
  };
}

async function newClient(): Promise<DynamoDBClient> {
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  return new DynamoDBClient(sdkSettings("DYNAMODB"));
}

/** What DynamoDB's refusal means to a caller of the suite. */
function translateDynamoError(error: unknown, what: string, tableName: string): unknown {
  const refuse = (code: ArtifactRegistryError["code"], message: string, hint?: string) =>
    new ArtifactRegistryError(code, message, {
      ...(hint === undefined ? { retryable: true } : { hint, context: { field: "leaseTable" } }),
      cause: error,
    });
  if (isServiceError(error, "ResourceNotFoundException")) {
    const hint = "Create it in the function's region, with the partition key `repository` (S), or correct the binding.";
    return refuse("BINDING_CONFIG_INVALID", `The lease table "${tableName}" does not exist.`, hint);
  }
  if (isServiceError(error, "ValidationException")) {
    const hint = "Its partition key must be `repository` (S), without a sort key.";
    return refuse("BINDING_CONFIG_INVALID", `The lease table "${tableName}" has another form.`, hint);
  }
  if (isServiceError(error, "InternalServerError", "ServiceUnavailable", "TransactionConflictException")) {
    return refuse("SERVICE_UNAVAILABLE", `${what} failed at DynamoDB's side.`);
  }
  return translateAwsError(error, what, `${what.replace("DynamoDB ", "dynamodb:")} on the lease table "${tableName}"`);
}
