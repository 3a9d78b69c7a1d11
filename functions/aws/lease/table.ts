import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { refuseStale } from "../../../core/event-time.ts";
import { type Plan, reconcile } from "../grants/changes.ts";
import { serialiseGrants } from "../grants/forms.ts";
import { type Acquired, acquire, type Clock, monotonic } from "./acquire.ts";
import { createBurst, Done } from "./burst.ts";
import { openTable, type Table, type TableOptions } from "./dynamo.ts";
import { type Item, intentsOf, isSuccessor, joinIntents, readIntents, readLease, readRecord } from "./item.ts";
import { type Held, type LeaseRecord, type Look, lost, type Outcome, type PolicyLease, tooLate } from "./lease.ts";
import { createLeaseStore } from "./store.ts";

export interface LeaseTableOptions extends TableOptions {
  /** Where the table was opened before. Absent: opened from the other options. */
  readonly table?: Table;
  /** Milliseconds of a lease: longer than any edit can live. When a holder vanishes, others wait for as long. */
  readonly leaseMs: number;
  /** Seconds for which the last revocation of a deleted repository is kept: longer than events are taken. Default 7,200. */
  readonly tombstoneSeconds?: number;
  /** Milliseconds between two looks at a lease that somebody holds: at first, and at most. Default 100 and 1,000. */
  readonly poll?: { readonly baseMs: number; readonly capMs: number };
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** A lease while `work` runs, and what is known about its writes. */
interface Holding {
  readonly repository: string;
  readonly acquired: Acquired;
  readonly known: LeaseRecord | undefined;
  /** What edits that crashed had set out to do. */
  readonly unfinished: readonly string[];
  /** What this edit has set out to do. */
  planned: readonly string[];
  /** Whether a revocation of a crashed edit was found to have taken effect. */
  revoked: boolean;
  /** When the repository was created, if somebody deleted the recorded one by hand: nobody knows when. */
  succeededAt: Date | undefined;
  /** How many tries of requests that change a document were sent. */
  sent: number;
  /** How many of them the platform has answered. The others may still be applied, however late. */
  answered: number;
  /** How many of them changed a document, or may have. */
  applied: number;
}

/** How often an edit is run in all when it loses its lease. */
const rounds = 3;

/**
 * Leases in a DynamoDB table. An edit that nobody disturbs costs two requests for its lease: one takes the lease, leaves the plan
 * and reads the record; one records the outcome and gives the lease back.
 *
 * @example
 * const leases = createLeaseTable({ tableName: "images-leases", leaseMs: 70_000 });
 * await leases.edit("us-east-1/images-app", planToAdd(access), call, async (held) => {
 *   const policy = readPolicy(await getPolicy(), place);
 *   const grants = addAccess(await held.reconcile(policy), access);
 *   const { text, differs } = writePolicy(policy, grants, place);
 *   if (differs) await held.write("ECR SetRepositoryPolicy", 5_000, (signal) => setPolicy(text, signal));
 *   return { grants, result: undefined };
 * });
 */
export function createLeaseTable(options: LeaseTableOptions): PolicyLease {
  const { table = openTable(options), leaseMs, tombstoneSeconds = 7_200 } = options;
  const { clock = monotonic, random = Math.random, poll = { baseMs: 100, capMs: 1_000 } } = options;
  const store = createLeaseStore(table);
  const expiry = (call: Call) => ({ N: String(Math.ceil(call.now().getTime() / 1_000) + tombstoneSeconds) });

  const burst = createBurst();

  return {
    edit,
    recorded: async (repository, call) => readRecord(await store.look(repository, call)),
    look: async (repository, call) => lookAt(await store.look(repository, call)),
    catchUp(repository, what, call, isCurrent, work) {
      const isDone = async (item: Item | undefined) => {
        const record = settledRecord(item);
        return record !== undefined && (await isCurrent(record));
      };
      const whenFree = async (item: Item | undefined) => {
        if (await isDone(item)) throw new Done();
      };
      return burst(`${repository} ${what}`, call, async () => {
        if (await isDone(await store.look(repository, call))) return;
        await edit(repository, {}, call, work, whenFree).catch((error: unknown) => {
          if (!(error instanceof Done)) throw error;
        });
      });
    },
  };

  async function edit<T>(
    repository: string,
    plan: Plan,
    call: Call,
    work: (held: Held) => Promise<Outcome<T>>,
    whenFree?: (item: Item | undefined) => Promise<void>,
  ): Promise<T> {
    for (let round = 1; ; round++) {
      // What this edit did before it lost its lease has to be repaired, whatever the others made of it.
      const ask = round === 1 ? whenFree : undefined;
      const holding = await take(repository, plan, call, ask).catch((error: unknown) => {
        throw round > 1 && isRetryable(error) ? lost(repository, error) : error;
      });
      let outcome: Awaited<ReturnType<typeof work>>;
      try {
        outcome = await work(heldBy(holding, call));
      } catch (error) {
        if (!mayLandLate(holding)) await abandon(holding, call);
        throw error;
      }
      if (await record(holding, plan, outcome, call)) {
        if (outcome.failure !== undefined) throw outcome.failure;
        return outcome.result;
      }
      // Our last write may have undone what the next holder did: doing it all again repairs that.
      if (round === rounds) throw lost(repository);
    }
  }

  /** @throws UNEXPECTED_RESPONSE_FORMAT where the item cannot be read */
  async function take(
    repository: string,
    plan: Plan,
    call: Call,
    whenFree?: (item: Item | undefined) => Promise<void>,
  ): Promise<Holding> {
    const planned = intentsOf(plan);
    const options = { store, leaseMs, clock, poll, random };
    const acquired = await acquire(options, repository, planned, call, whenFree);
    try {
      const { before } = acquired;
      const [known, unfinished] = [readRecord(before), readIntents(before)];
      return {
        repository,
        acquired,
        known,
        unfinished,
        planned,
        revoked: false,
        succeededAt: undefined,
        sent: 0,
        answered: 0,
        applied: 0,
      };
    } catch (error) {
      await store.close(repository, acquired.owner, {}, call).catch(() => undefined);
      throw error;
    }
  }

  function heldBy(holding: Holding, call: Call): Held {
    const { repository, acquired, known, unfinished } = holding;
    return {
      async reconcile(document, createdAt) {
        const inherits = known && !isSuccessor(known, createdAt);
        if (known && !inherits && !known.deleted) holding.succeededAt = createdAt;
        const { grants, revoked, unrecorded } = reconcile(inherits ? known.grants : undefined, unfinished, document);
        holding.revoked ||= revoked;
        if (unrecorded.length > 0) {
          // If this edit crashed, they would stand in our own form, and neither record nor plan would say why.
          const adds = intentsOf({ adds: unrecorded });
          holding.planned = joinIntents(holding.planned, adds);
          const written = await store.plan(repository, acquired.owner, adds, call);
          if (!written.held) throw lost(repository);
        }
        return grants;
      },
      refuseStale() {
        const { asOf } = call;
        if (!asOf) return;
        refuseStale(asOf, holding.revoked ? call.now() : known?.lastRevoked);
        if (holding.succeededAt && asOf.at <= holding.succeededAt) throw ofTheEarlierOne();
      },
      async replaces() {
        if (!known || known.deleted) return;
        const written = await store.bury(repository, acquired.owner, call);
        if (!written.held) throw lost(repository);
      },
      async write(what, timeoutMs, send) {
        const isLate = () => call.signal.aborted || acquired.left() <= timeoutMs;
        const attempt = async (signal: AbortSignal) => {
          // Returned, not thrown: `call.upstream` would retry a throw, and no later try can succeed.
          if (isLate()) return undefined;
          holding.sent++;
          try {
            const answer = await send(signal);
            holding.answered++;
            holding.applied++;
            return { answer };
          } catch (error) {
            const status = statusOf(error);
            if (status !== undefined) holding.answered++;
            if (status === undefined || status >= 500) holding.applied++;
            throw error;
          }
        };
        const done = isLate() ? undefined : await call.upstream(what, attempt, { timeoutMs });
        if (!done) throw tooLate();
        return done.answer;
      },
    };
  }

  /** Gives the lease back after a failure. If that fails too, nothing is lost: the lease ends by itself. */
  async function abandon(holding: Holding, call: Call): Promise<void> {
    const { repository, acquired, known, unfinished, planned, applied } = holding;
    // Where nothing was changed, only the plans of earlier edits remain to be finished.
    const intents = applied === 0 ? unfinished : joinIntents(unfinished, planned);
    const changes = {
      intents: intents.length > 0 ? { SS: [...intents] } : undefined,
      ...((!known || known.deleted) && { expiresAt: expiry(call) }),
    };
    await store.close(repository, acquired.owner, changes, call).catch(() => undefined);
  }

  /** @returns whether the lease was still ours; else nothing was recorded */
  async function record<T>(holding: Holding, plan: Plan, outcome: Outcome<T>, call: Call): Promise<boolean> {
    const { repository, acquired, known, revoked } = holding;
    const { grants, deleted = false, createdAt, failure } = outcome;
    const now = call.now();
    const lastUpdated = (failure !== undefined && known?.lastUpdated) || now;
    const revokes = Boolean(plan.removes?.length) || deleted || revoked;
    const lastRevoked = revokes ? latest(now, known?.lastRevoked) : known?.lastRevoked;
    const changes = {
      intents: undefined,
      grants: { L: serialiseGrants(grants).map((line) => ({ S: line })) },
      lastUpdated: { S: lastUpdated.toISOString() },
      ...((createdAt || deleted) && { createdAt: deleted || !createdAt ? undefined : { S: createdAt.toISOString() } }),
      ...(lastRevoked && { lastRevoked: { S: lastRevoked.toISOString() } }),
      deleted: deleted ? { BOOL: true } : undefined,
      expiresAt: deleted ? expiry(call) : undefined,
    };
    // A try without an answer may still be applied, so nobody else may write before the lease is over.
    const written = await store.close(repository, acquired.owner, changes, call, mayLandLate(holding));
    // Nobody can have taken a lease that is not over. So an earlier try was applied, and its answer was lost.
    return written.held || (written.tries > 1 && acquired.left() > 0);
  }
}

/** What is on record, where nobody edits and nothing is left to be finished. */
function settledRecord(item: Item | undefined): LeaseRecord | undefined {
  const { held, unfinished, record } = lookAt(item);
  return held || unfinished ? undefined : record;
}

function lookAt(item: Item | undefined): Look {
  return {
    held: readLease(item) !== undefined,
    unfinished: readIntents(item).length > 0,
    record: readRecord(item),
  };
}

/** Whether a write may still be on its way to the platform. */
function mayLandLate({ sent, answered }: Holding): boolean {
  return sent > answered;
}

/**
 * The status with which the platform answered the request. Then it is over, and will not be applied later; below 500 it was
 * refused, and changed nothing. In doubt the platform did not answer: undefined.
 */
function statusOf(error: unknown): number | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { $metadata } = at as { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode !== undefined) return $metadata.httpStatusCode;
  }
  return undefined;
}

function latest(one: Date, other: Date | undefined): Date {
  return other && other > one ? other : one;
}

/** Nobody knows when the earlier one was deleted, so the event may have been meant for it. */
function ofTheEarlierOne(): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", "The repository was made anew after the event was sent.", {
    hint: "Send the event again if it is meant for this one.",
    context: { field: "time" },
  });
}

function isRetryable(error: unknown): boolean {
  return error instanceof ArtifactRegistryError && error.retryable;
}
