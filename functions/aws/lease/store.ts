import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type Call, startCall } from "../../../core/call.ts";
import { changing, type Table, type Update, type Written } from "./dynamo.ts";
import { attributes, fence, fenceMs, type Item, type SeenLease } from "./item.ts";

/** What is written into an item: `undefined` removes the attribute. */
export type Changes = Readonly<Partial<Record<keyof typeof attributes, AttributeValue | undefined>>>;

/** The leases in the table. Every write is conditional, and its sender may repeat it without harm. */
export interface LeaseStore {
  look(key: string, call: Call): Promise<Item | undefined>;
  /**
   * Takes the lease if it is free, or if it is still exactly the one that was seen, and fences functions of earlier versions
   * out. Where the answer to an earlier try was lost, the holder tells that we have it already. A try that arrives after
   * the lease was given back is refused.
   */
  take(key: string, owner: string, seen: SeenLease | undefined, mine: Lease, call: Call): Promise<Written>;
  /** Adds to the plan in an item that is still owned. */
  plan(key: string, owner: string, intents: readonly string[], call: Call): Promise<Written>;
  /** Records, in an item that is still owned, that the repository is gone that it speaks of. */
  bury(key: string, owner: string, call: Call): Promise<Written>;
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

/** Whether we still hold the lease. */
const held = "#owner = :fence AND #holder = :me";

export function createLeaseStore(table: Table): LeaseStore {
  return {
    look: (key, call) => table.read(key, call),

    take(key, owner, seen, { leaseMs, acquiredAt, intents }, call) {
      const planned = intents.length > 0;
      const update: Update = {
        ConditionExpression: `(${freeOr(seen)}) OR (${held})`,
        UpdateExpression: `SET #owner = :fence, #leaseMs = :fenceMs, #holder = :me, #holderMs = :leaseMs,
          #acquiredAt = :acquiredAt REMOVE #seenMs, #expiresAt ADD #counter :one${planned ? ", #intents :intents" : ""}`,
        ExpressionAttributeNames: {
          ...names("owner", "leaseMs", "holder", "holderMs", "acquiredAt", "seenMs", "expiresAt", "counter"),
          ...(!seen && names("lastOwner")),
          ...(planned && names("intents")),
        },
        ExpressionAttributeValues: {
          ":me": { S: owner },
          ":fence": { S: fence },
          ":fenceMs": { N: String(fenceMs) },
          ":leaseMs": { N: String(leaseMs) },
          ":acquiredAt": { S: acquiredAt.toISOString() },
          ":one": { N: "1" },
          ...(seen && { ":seen": { S: seen.owner }, ":counter": { N: seen.counter } }),
          ...(planned && { ":intents": { SS: [...intents] } }),
        },
        ReturnValues: "ALL_OLD",
      };
      return table.update(key, update, call);
    },

    plan(key, owner, intents, call) {
      const update: Update = {
        ConditionExpression: held,
        UpdateExpression: "ADD #intents :intents",
        ExpressionAttributeNames: names("owner", "holder", "intents"),
        ExpressionAttributeValues: { ...mine(owner), ":intents": { SS: [...intents] } },
      };
      return table.update(key, update, call);
    },

    bury(key, owner, call) {
      const update: Update = {
        ConditionExpression: held,
        UpdateExpression: "SET #deleted = :true",
        ExpressionAttributeNames: names("owner", "holder", "deleted"),
        ExpressionAttributeValues: { ...mine(owner), ":true": { BOOL: true } },
      };
      return table.update(key, update, call);
    },

    close(key, owner, changes, call, keepLease = false) {
      const free: Changes = keepLease
        ? {}
        : { holder: undefined, holderMs: undefined, acquiredAt: undefined, seenMs: undefined };
      const { expression, ...changed } = changing({ ...free, lastOwner: { S: owner }, ...changes } satisfies Changes);
      const update: Update = {
        ConditionExpression: held,
        UpdateExpression: expression,
        ExpressionAttributeNames: { ...names("owner", "holder"), ...changed.names },
        ExpressionAttributeValues: { ...mine(owner), ...changed.values },
      };
      const { requestId, caller, now, signal } = call;
      const over = () => startCall({ requestId, caller, now, signal: AbortSignal.timeout(closingMs) });
      return table.update(key, update, signal.aborted ? over() : call);
    },

    async note(key, seen, seenMs, call) {
      const update: Update = {
        ConditionExpression: `${unchanged(seen)} AND (attribute_not_exists(#seenMs) OR #seenMs < :seenMs)`,
        UpdateExpression: "SET #seenMs = :seenMs",
        ExpressionAttributeNames: { ...names("owner", "counter", "seenMs"), ...(!seen.earlier && names("holder")) },
        ExpressionAttributeValues: {
          ...(!seen.earlier && { ":fence": { S: fence } }),
          ":seen": { S: seen.owner },
          ":counter": { N: seen.counter },
          ":seenMs": { N: String(seenMs) },
        },
      };
      await table.update(key, update, call);
    },
  };
}

function freeOr(seen: SeenLease | undefined): string {
  if (seen) return unchanged(seen);
  const nobody = "attribute_not_exists(#owner) OR (#owner = :fence AND attribute_not_exists(#holder))";
  return `(${nobody}) AND (attribute_not_exists(#lastOwner) OR #lastOwner <> :me)`;
}

/** A lease is still exactly the one that was seen. */
function unchanged({ earlier }: SeenLease): string {
  return `${earlier ? "#owner = :seen" : "#owner = :fence AND #holder = :seen"} AND #counter = :counter`;
}

const mine = (owner: string) => ({ ":me": { S: owner }, ":fence": { S: fence } });

function names(...fields: readonly (keyof typeof attributes)[]): Record<string, string> {
  return Object.fromEntries(fields.map((name) => [`#${name}`, attributes[name]]));
}
