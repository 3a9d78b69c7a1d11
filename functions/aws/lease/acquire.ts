import { randomUUID } from "node:crypto";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { delayMs, pause } from "../../../core/waiting.ts";
import { type Item, readLease, type SeenLease } from "./item.ts";
import { busy } from "./lease.ts";
import type { LeaseStore } from "./store.ts";

/** A clock whose milliseconds only go forward. Nobody compares a moment of one machine with a moment of another. */
export interface Clock {
  now(): number;
  /** Rejects when the signal fires. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const monotonic: Clock = { now: () => performance.now(), wait: pause };

export interface AcquireOptions {
  readonly store: LeaseStore;
  readonly leaseMs: number;
  readonly clock: Clock;
  /** Milliseconds between two looks at a lease that somebody holds: at first, and at most. */
  readonly poll: { readonly baseMs: number; readonly capMs: number };
  readonly random: () => number;
}

export interface Acquired {
  readonly owner: string;
  /** The item as it was before. */
  readonly before: Item;
  /** Milliseconds that are left, by our own clock; negative when it has run out. */
  left(): number;
}

/** The clocks of two machines do not run equally fast, so whoever takes a lease over waits this much longer. */
const drift = 1.01;

/** How many times a waiting edit writes down what it has seen, while one lease lasts. */
const notes = 8;

/** A lease that somebody else holds. Another owner or another counter makes it another lease. */
interface Watched extends SeenLease {
  /** When it was first seen, by our own clock. */
  readonly since: number;
  noted: number;
}

/**
 * Takes the lease, or waits for it until the call ends. It waits for a holder that vanished, too: it trusts nobody's
 * clock, and takes a lease over only when it has seen the same one for as long as a lease may last. A function may live
 * shorter than that. Waiting edits therefore add up in the item what they have seen, and each continues from there.
 *
 * @param intents the plan, as the item holds it
 * @param whenFree looks at the item when others held the lease and it is free again. What it throws ends the wait
 * @throws RESOURCE_CONFLICT (retryable) when the call ended while somebody else held it
 */
export async function acquire(
  options: AcquireOptions,
  repository: string,
  intents: readonly string[],
  call: Call,
  whenFree?: (item: Item | undefined) => Promise<void>,
): Promise<Acquired> {
  const { store, clock, leaseMs, poll, random } = options;
  const owner = randomUUID();
  let watched: Watched | undefined;

  async function take(): Promise<Acquired | undefined> {
    // The lease counts from before we ask for it. The time of day is read too: a halted machine may halt its monotonic clock.
    const [started, startedAt] = [clock.now(), call.now()];
    const left = () => leaseMs - Math.max(clock.now() - started, call.now().getTime() - startedAt.getTime());
    try {
      const mine = { leaseMs, acquiredAt: startedAt, intents };
      const written = await store.take(repository, owner, watched, mine, call);
      return written.held ? { owner, before: written.before, left } : undefined;
    } catch (error) {
      // A try that got no answer may have taken the lease.
      await store.close(repository, owner, {}, call).catch(() => undefined);
      throw error;
    }
  }

  try {
    for (let looks = 1; ; looks++) {
      if (!watched || remaining(watched, clock) <= 0) {
        const acquired = await take();
        if (acquired) return acquired;
      }
      const item = await store.look(repository, call);
      const seen = readLease(item);
      if (!seen) {
        watched = undefined;
        await whenFree?.(item);
        continue;
      }
      if (seen.owner !== watched?.owner || seen.counter !== watched.counter) {
        watched = { ...seen, since: clock.now(), noted: seen.seenMs };
        looks = 1;
      } else {
        await noteSeen(options, repository, watched, call);
      }
      const delay = delayMs({ ...poll, jitter: "half" }, looks, random);
      await clock.wait(Math.max(0, Math.min(delay, remaining(watched, clock))), call.signal);
    }
  } catch (error) {
    if (watched && call.signal.aborted) throw busy(repository);
    throw error;
  }
}

/** Milliseconds for which this lease has existed at least. */
function age(watched: Watched, clock: Clock): number {
  return watched.seenMs + clock.now() - watched.since;
}

function remaining(watched: Watched, clock: Clock): number {
  return watched.leaseMs * drift - age(watched, clock);
}

async function noteSeen({ store, clock }: AcquireOptions, repository: string, watched: Watched, call: Call) {
  const seenMs = Math.floor(age(watched, clock));
  if (seenMs - watched.noted < watched.leaseMs / notes) return;
  watched.noted = seenMs;
  try {
    await store.note(repository, watched, seenMs, call);
  } catch (error) {
    // The note only helps others. If something is wrong with the table, the next look shows it.
    if (!(error instanceof ArtifactRegistryError)) throw error;
  }
}
