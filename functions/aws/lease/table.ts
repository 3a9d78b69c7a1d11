import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { sdkSettings } from "../sdk-settings.ts";
import { acquire } from "./acquire.ts";
import { type Clock, monotonic } from "./clock.ts";
import { closing } from "./closing.ts";
import { lost } from "./errors.ts";
import { type Holding, hold, intentsOf } from "./hold.ts";
import { plain } from "./item.ts";
import type { Outcome, Packing, Plan, PolicyLease } from "./lease.ts";
import { inOrder } from "./settle.ts";
import { type Changes, createLeaseStore } from "./store.ts";

export interface LeaseTableOptions {
  /** Partition key `repository` (S), no sort key; time-to-live attribute `expiresAt`. */
  readonly tableName: string;
  /** Milliseconds of a lease: more than any edit can live. Others wait for as long when a holder vanishes. */
  readonly leaseMs: number;
  /** The client, made with `maxAttempts: 1`. Absent: made from the environment when it is first needed. */
  readonly client?: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>);
  /** Milliseconds for one request to DynamoDB. Default 3,000. */
  readonly requestTimeoutMs?: number;
  /** Seconds for which a deleted repository's last revocation is kept: more than the oldest event's. Default 7,200. */
  readonly tombstoneSeconds?: number;
  /** Milliseconds between two looks at a lease that somebody holds: at first, and at most. Default 100 and 1,000. */
  readonly poll?: { readonly baseMs: number; readonly capMs: number };
  /** How the item holds the grants. Default: a grant a line. */
  readonly packing?: Packing;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** How often an edit that lost its lease is run in all. */
const rounds = 3;

/**
 * Leases in a DynamoDB table. An edit that nobody disturbs costs two requests: one takes the lease, leaves the plan
 * and reads the record; one records the outcome and gives the lease back.
 *
 * @example
 * const leases = createLeaseTable({ tableName: "images-leases", leaseMs: 70_000 });
 * await leases.edit(arn, { adds: ["account:111122223333"] }, call, async (held) => {
 *   const document = await readPolicy();
 *   const before = await held.settle(ownGrants(document), legacyGrants(document));
 *   const grants = [...before, "account:111122223333"];
 *   const text = encode(grants, document);
 *   if (text !== document) await held.write("ECR SetRepositoryPolicy", 5_000, (signal) => setPolicy(text, signal));
 *   return { grants, documentHash: hash(text), result: undefined };
 * });
 */
export function createLeaseTable(options: LeaseTableOptions): PolicyLease {
  const { tableName, leaseMs, client = newClient, requestTimeoutMs = 3_000, tombstoneSeconds = 7_200 } = options;
  const { packing = plain, clock = monotonic, random = Math.random, poll = { baseMs: 100, capMs: 1_000 } } = options;
  const store = createLeaseStore({ tableName, requestTimeoutMs, client });
  const expiry = (call: Call) => ({ N: String(Math.ceil(call.now().getTime() / 1_000) + tombstoneSeconds) });

  return {
    async edit(repository, plan, call, work) {
      for (let round = 1; ; round++) {
        const holding = await take(repository, plan, call).catch((error: unknown) => {
          // What this edit did in the round before may still have to be repaired.
          throw round > 1 && isRetryable(error) ? lost(repository, error) : error;
        });
        let outcome: Awaited<ReturnType<typeof work>>;
        let lines: readonly string[];
        try {
          outcome = await work(holding.held);
          lines = packing.pack(inOrder(outcome.grants));
        } catch (error) {
          if (!holding.mayLandLate(error)) await abandon(holding, call);
          throw error;
        }
        if (await record(holding, plan, { ...outcome, grants: lines }, call)) return outcome.result;
        // Our last write may have undone what the next holder did: doing it all again repairs that.
        if (round === rounds) throw lost(repository);
      }
    },
  };

  async function take(repository: string, plan: Plan, call: Call): Promise<Holding> {
    const acquired = await acquire({ store, leaseMs, clock, poll, random }, repository, intentsOf(plan), call);
    try {
      return hold(store, packing, repository, acquired, call);
    } catch (error) {
      await store.change(repository, acquired.owner, free(acquired.owner), closing(call)).catch(() => undefined);
      throw error;
    }
  }

  /** Gives the lease back after a failure. That this fails is no news: the lease ends by itself. */
  async function abandon({ repository, acquired, known, unfinished, begun }: Holding, call: Call): Promise<void> {
    const changes: Changes = {
      ...free(acquired.owner),
      // Where nothing was changed there is nothing to finish, but what was there before.
      ...(!begun() && { intents: unfinished.length > 0 ? { SS: [...unfinished] } : undefined }),
      ...((!known || known.deleted) && { expiresAt: expiry(call) }),
    };
    await store.change(repository, acquired.owner, changes, closing(call)).catch(() => undefined);
  }

  /** @returns whether the lease was still ours; else nothing was recorded */
  async function record<T>(holding: Holding, plan: Plan, outcome: Outcome<T>, call: Call): Promise<boolean> {
    const { repository, acquired, known } = holding;
    const now = call.now();
    const revokes = Boolean(plan.removes?.length) || outcome.deleted === true || holding.revoked();
    const lastRevoked = revokes ? latest(now, known?.lastRevoked) : known?.lastRevoked;
    const changes: Changes = {
      // A try without an answer may be applied late: nobody else writes before the lease is over.
      ...(holding.mayLandLate() ? { lastOwner: { S: acquired.owner } } : free(acquired.owner)),
      intents: undefined,
      grants: { L: outcome.grants.map((grant) => ({ S: grant })) },
      documentHash: outcome.documentHash === undefined ? undefined : { S: outcome.documentHash },
      lastUpdated: { S: now.toISOString() },
      ...(lastRevoked && { lastRevoked: { S: lastRevoked.toISOString() } }),
      deleted: outcome.deleted ? { BOOL: true } : undefined,
      expiresAt: outcome.deleted ? expiry(call) : undefined,
    };
    const written = await store.change(repository, acquired.owner, changes, closing(call));
    // Nobody can have taken a lease that is not over: an earlier try was applied, and its answer was lost.
    return written.held || (written.tries > 1 && acquired.left() > 0);
  }
}

/** Gives the lease back, along with whatever else is written. */
function free(owner: string): Changes {
  return { owner: undefined, leaseMs: undefined, acquiredAt: undefined, seenMs: undefined, lastOwner: { S: owner } };
}

function latest(one: Date, other: Date | undefined): Date {
  return other && other > one ? other : one;
}

function isRetryable(error: unknown): boolean {
  return error instanceof ArtifactRegistryError && error.retryable;
}

async function newClient(): Promise<DynamoDBClient> {
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  return new DynamoDBClient(sdkSettings("DYNAMODB"));
}
