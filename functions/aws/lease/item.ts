import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { longestPlan, type Plan } from "../grants/changes.ts";
import { parseGrants } from "../grants/forms.ts";
import type { LeaseRecord } from "./lease.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

/** The table's partition key, a string. There is no sort key. */
export const keyAttribute = "repository";

/**
 * The table's attributes. `expiresAt` is the table's time-to-live attribute (seconds since 1970); it is there only
 * while nothing is granted and nothing held. Items of earlier versions may also have a `documentHash`, which nobody reads.
 */
export const attributes = {
  /** Always `fence`. Functions of earlier versions wrote here who holds the lease, and removed it when they gave it back. */
  owner: "owner",
  /** Always `fenceMs`. Functions of earlier versions wrote here for how many milliseconds they held the lease. */
  leaseMs: "leaseMs",
  /** Who holds the lease: random, new for each edit. Absent while it is free. */
  holder: "holder",
  /** Milliseconds that the holder asked for. */
  holderMs: "holderMs",
  /** Grows by one with each lease, so that two leases never look alike. */
  counter: "counter",
  /** When the holder took it, by its own clock. Only people read this. */
  acquiredAt: "acquiredAt",
  /** Milliseconds for which waiting edits have seen this lease unchanged. Its true age is higher. */
  seenMs: "seenMs",
  /** Who gave the lease back last. */
  lastOwner: "lastOwner",
  /** Plans of the holder, and of edits that crashed: what they add after `+`, what they remove after `-`. */
  intents: "intents",
  grants: "grants",
  /** When the repository was created whose grants these are. */
  createdAt: "createdAt",
  lastUpdated: "lastUpdated",
  lastRevoked: "lastRevoked",
  deleted: "deleted",
  expiresAt: "expiresAt",
} as const;

/**
 * What functions of earlier versions, up to commit eccb7f4, take for somebody who holds the lease. They do not know that a
 * region may be leaving, so they must not edit together with us: for them, an item that we have held once is held for ever.
 * They answer that another edit is in progress, which is retryable, and write nothing.
 */
export const fence = "functions-of-a-newer-version";
/** Thirty thousand years: nobody waits until such a lease is over. */
export const fenceMs = 1e15;

/** A lease that somebody holds. */
export interface SeenLease {
  readonly owner: string;
  readonly counter: string;
  readonly leaseMs: number;
  readonly seenMs: number;
  /** Whether the holder is a function of an earlier version. */
  readonly earlier: boolean;
}

export function readLease(item: Item | undefined): SeenLease | undefined {
  if (item === undefined) return undefined;
  const earlier = item[attributes.owner]?.S !== fence;
  const owner = item[earlier ? attributes.owner : attributes.holder]?.S;
  if (owner === undefined) return undefined;
  const lasts = earlier ? attributes.leaseMs : attributes.holderMs;
  const leaseMs = Number(item[lasts]?.N);
  const counter = item[attributes.counter]?.N;
  if (!(leaseMs > 0) || counter === undefined) throw unreadable(lasts);
  return { owner, counter, leaseMs, seenMs: Number(item[attributes.seenMs]?.N ?? 0), earlier };
}

/** A plan as the item holds it. */
export function intentsOf({ adds = [], removes = [] }: Plan): readonly string[] {
  return joinIntents([...adds.map((name) => `+${name}`), ...removes.map((name) => `-${name}`)]);
}

/** Several plans as one. Where they name too much for an item, they stand for everything. */
export function joinIntents(...plans: readonly (readonly string[])[]): readonly string[] {
  const all = plans.flat();
  return inOrder(
    ["+", "-"].flatMap((sign) => {
      const names = new Set(all.filter((intent) => intent.startsWith(sign)));
      return names.size > longestPlan ? [`${sign}*`] : [...names];
    }),
  );
}

export function readIntents(item: Item | undefined): readonly string[] {
  return inOrder(item?.[attributes.intents]?.SS ?? []);
}

/** @throws UNEXPECTED_RESPONSE_FORMAT for a record that we did not write: treated as no record, it would be overwritten */
export function readRecord(item: Item | undefined): LeaseRecord | undefined {
  const stored = item?.[attributes.grants];
  if (item === undefined || stored === undefined) return undefined;
  const lines = stored.L?.map((line) => line.S);
  if (!lines?.every((line) => line !== undefined)) throw unreadable(attributes.grants);
  const lastUpdated = readDate(item, attributes.lastUpdated);
  if (!lastUpdated) throw unreadable(attributes.lastUpdated);
  const [lastRevoked, createdAt] = [readDate(item, attributes.lastRevoked), readDate(item, attributes.createdAt)];
  return {
    grants: parseGrants(lines),
    lastUpdated,
    deleted: item[attributes.deleted]?.BOOL === true,
    ...(lastRevoked && { lastRevoked }),
    ...(createdAt && { createdAt }),
  };
}

/** Whether the repository is another one than the record speaks of, which was deleted, by us or by hand. */
export function isSuccessor(record: LeaseRecord, createdAt: Date | undefined): boolean {
  if (createdAt === undefined) return false;
  if (record.createdAt) return record.createdAt.getTime() !== createdAt.getTime();
  return record.deleted || createdAt > record.lastUpdated;
}

function readDate(item: Item, name: string): Date | undefined {
  const stored = item[name];
  if (stored === undefined) return undefined;
  const date = new Date(stored.S ?? Number.NaN);
  if (Number.isNaN(date.getTime())) throw unreadable(name);
  return date;
}

function inOrder(intents: Iterable<string>): readonly string[] {
  return [...new Set(intents)].sort();
}

export function unreadable(attribute: string): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The lease table's item cannot be read.", {
    hint: "Delete the item; what is granted is then read from the repository's policy.",
    context: { attribute },
  });
}
