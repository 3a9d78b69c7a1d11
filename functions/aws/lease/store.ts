import type {
  AttributeValue,
  DynamoDBClient,
  GetItemCommandInput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { type Call, startCall } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { once } from "../../../core/once.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import { attributes, type Item, keyAttribute, type SeenLease } from "./item.ts";

export interface StoreOptions {
  readonly tableName: string;
  /** The client, made with `maxAttempts: 1`; a function is called when it is first needed. */
  readonly client: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>);
  /** Milliseconds for one request. */
  readonly requestTimeoutMs: number;
}

/** What is written into an item: `undefined` removes the attribute. */
export type Changes = Readonly<Partial<Record<keyof typeof attributes, AttributeValue | undefined>>>;

/** The answer to a conditional write: what the item was before, or that the condition did not hold. */
export type Written = { readonly held: true; readonly before: Item } | { readonly held: false; readonly tries: number };

/** The table of the leases. Every write is conditional, and its sender may repeat it without harm. */
export interface LeaseStore {
  look(key: string, call: Call): Promise<Item | undefined>;
  /**
   * Takes the lease if it is free, or if it is still exactly the one that was seen. Where the answer to an earlier try was
   * lost, the owner tells that we have it already. A try that arrives after the lease was given back is refused.
   */
  take(key: string, owner: string, seen: SeenLease | undefined, mine: Lease, call: Call): Promise<Written>;
  /** Adds to the plan in an item that is still owned. */
  plan(key: string, owner: string, intents: readonly string[], call: Call): Promise<Written>;
  /**
   * The last write of an edit, to an item that is still owned. It gives the lease back, unless `keepLease` asks to keep it
   * until it runs out. It is sent even when the call is over: otherwise everybody would have to wait for the whole lease
   * of an edit whose caller went away.
   */
  close(key: string, owner: string, changes: Changes, call: Call, keepLease?: boolean): Promise<Written>;
  /** Writes down for how long a lease was seen unchanged. */
  note(key: string, seen: SeenLease, seenMs: number, call: Call): Promise<void>;
}

export interface Lease {
  readonly leaseMs: number;
  readonly acquiredAt: Date;
  readonly intents: readonly string[];
}

/** Milliseconds for the last write when the call itself is over. */
const closingMs = 2_000;

export function createLeaseStore({ tableName, client, requestTimeoutMs }: StoreOptions): LeaseStore {
  const open = once(() => (typeof client === "function" ? client() : client));
  const common = { TableName: tableName };
  const keyOf = (key: string) => ({ [keyAttribute]: { S: key } });

  async function update(input: UpdateItemCommandInput, call: Call): Promise<Written> {
    const what = "DynamoDB UpdateItem";
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
  }

  return {
    look(key, call) {
      const what = "DynamoDB GetItem";
      const input: GetItemCommandInput = { ...common, Key: keyOf(key), ConsistentRead: true };
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

    take(key, owner, seen, { leaseMs, acquiredAt, intents }, call) {
      const free = seen
        ? "#owner = :seen AND #counter = :counter"
        : "attribute_not_exists(#owner) AND (attribute_not_exists(#lastOwner) OR #lastOwner <> :me)";
      const input: UpdateItemCommandInput = {
        ...common,
        Key: keyOf(key),
        ConditionExpression: `(${free}) OR #owner = :me`,
        UpdateExpression: `SET #owner = :me, #leaseMs = :leaseMs, #acquiredAt = :acquiredAt
          REMOVE #seenMs, #expiresAt ADD #counter :one${intents.length > 0 ? ", #intents :intents" : ""}`,
        ExpressionAttributeNames: {
          ...names("owner", "leaseMs", "acquiredAt", "seenMs", "expiresAt", "counter"),
          ...(!seen && names("lastOwner")),
          ...(intents.length > 0 && names("intents")),
        },
        ExpressionAttributeValues: {
          ":me": { S: owner },
          ":leaseMs": { N: String(leaseMs) },
          ":acquiredAt": { S: acquiredAt.toISOString() },
          ":one": { N: "1" },
          ...(seen && { ":seen": { S: seen.owner }, ":counter": { N: seen.counter } }),
          ...(intents.length > 0 && { ":intents": { SS: [...intents] } }),
        },
        ReturnValues: "ALL_OLD",
      };
      return update(input, call);
    },

    plan(key, owner, intents, call) {
      const input: UpdateItemCommandInput = {
        ...common,
        Key: keyOf(key),
        ConditionExpression: "#owner = :me",
        UpdateExpression: "ADD #intents :intents",
        ExpressionAttributeNames: names("owner", "intents"),
        ExpressionAttributeValues: { ":me": { S: owner }, ":intents": { SS: [...intents] } },
      };
      return update(input, call);
    },

    close(key, owner, changes, call, keepLease = false) {
      const free: Changes = keepLease
        ? {}
        : { owner: undefined, leaseMs: undefined, acquiredAt: undefined, seenMs: undefined };
      const fields = Object.entries({ ...free, lastOwner: { S: owner }, ...changes } satisfies Changes);
      const set = fields.flatMap(([name, value]) => (value ? [{ name, value }] : []));
      const removed = fields.filter(([, value]) => value === undefined);
      const clauses = [
        `SET ${set.map(({ name }) => `#${name} = :${name}`).join(", ")}`,
        ...(removed.length > 0 ? [`REMOVE ${removed.map(([name]) => `#${name}`).join(", ")}`] : []),
      ];
      const input: UpdateItemCommandInput = {
        ...common,
        Key: keyOf(key),
        ConditionExpression: "#owner = :me",
        UpdateExpression: clauses.join(" "),
        ExpressionAttributeNames: {
          ...names("owner"),
          ...Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
        },
        ExpressionAttributeValues: {
          ":me": { S: owner },
          ...Object.fromEntries(set.map(({ name, value }) => [`:${name}`, value])),
        },
      };
      const { requestId, caller, now, signal } = call;
      const over = () => startCall({ requestId, caller, now, signal: AbortSignal.timeout(closingMs) });
      return update(input, signal.aborted ? over() : call);
    },

    async note(key, seen, seenMs, call) {
      const input: UpdateItemCommandInput = {
        ...common,
        Key: keyOf(key),
        ConditionExpression:
          "#owner = :seen AND #counter = :counter AND (attribute_not_exists(#seenMs) OR #seenMs < :seenMs)",
        UpdateExpression: "SET #seenMs = :seenMs",
        ExpressionAttributeNames: names("owner", "counter", "seenMs"),
        ExpressionAttributeValues: {
          ":seen": { S: seen.owner },
          ":counter": { N: seen.counter },
          ":seenMs": { N: String(seenMs) },
        },
      };
      await update(input, call);
    },
  };
}

function names(...fields: readonly (keyof typeof attributes)[]): Record<string, string> {
  return Object.fromEntries(fields.map((name) => [`#${name}`, attributes[name]]));
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
