import { randomUUID } from "node:crypto";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Clock } from "./clock.ts";
import { closing } from "./closing.ts";
import { busy } from "./errors.ts";
import { type Item, readLease, type SeenLease } from "./item.ts";
import type { Intent } from "./settle.ts";
import type { LeaseStore } from "./store.ts";

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

/** Clocks of two machines do not run equally fast: a taker waits this much longer. */
const drift = 1.01;

/** How many times those who wait write down what they have seen, while one lease lasts. */
const notes = 8;

/** A lease that somebody else holds, as long as it is the same one. */
interface Watched extends SeenLease {
  /** When it was first seen, by our own clock. */
  readonly since: number;
  noted: number;
}

/**
 * Takes the lease, or waits for it until the call ends. A holder that vanished is waited for too: nobody's clock is
 * trusted, only that the same lease was seen for as long as it may last. Since a function may live shorter than that,
 * what those who wait have seen is added up in the item: each continues from what it found there.
 *
 * @throws RESOURCE_CONFLICT (retryable) when the call ended while somebody else held it
 */
export async function acquire(
  options: AcquireOptions,
  repository: string,
  intents: readonly Intent[],
  call: Call,
): Promise<Acquired> {
  const { store, clock, leaseMs } = options;
  const owner = randomUUID();
  let watched: Watched | undefined;

  async function take(): Promise<Acquired | undefined> {
    // The lease counts from before it is asked for. A machine that was halted may have halted its monotonic clock.
    const [started, startedAt] = [clock.now(), call.now()];
    const left = () => leaseMs - Math.max(clock.now() - started, call.now().getTime() - startedAt.getTime());
    try {
      const mine = { leaseMs, acquiredAt: startedAt, intents };
      const written = await store.take(repository, owner, watched, mine, call);
      return written.held ? { owner, before: written.before, left } : undefined;
    } catch (error) {
      await giveBack(store, repository, owner, call);
      throw error;
    }
  }

  try {
    for (let looks = 0; ; looks++) {
      if (!watched || remaining(watched, clock) <= 0) {
        const acquired = await take();
        if (acquired) return acquired;
      }
      const seen = readLease(await store.look(repository, call));
      if (!seen) {
        watched = undefined;
        continue;
      }
      if (seen.owner !== watched?.owner || seen.counter !== watched.counter) {
        watched = { ...seen, since: clock.now(), noted: seen.seenMs };
        looks = 0;
      } else {
        await noteSeen(options, repository, watched, call);
      }
      await clock.wait(Math.max(0, Math.min(pause(options, looks), remaining(watched, clock))), call.signal);
    }
  } catch (error) {
    if (watched && call.signal.aborted) throw busy(repository);
    throw error;
  }
}

/** Milliseconds for which at least this lease has been there. */
function age(watched: Watched, clock: Clock): number {
  return watched.seenMs + clock.now() - watched.since;
}

function remaining(watched: Watched, clock: Clock): number {
  return watched.leaseMs * drift - age(watched, clock);
}

function pause({ poll, random }: AcquireOptions, looks: number): number {
  const bound = Math.min(poll.capMs, poll.baseMs * 2 ** Math.min(looks, 20));
  return bound / 2 + (random() * bound) / 2;
}

async function noteSeen({ store, clock }: AcquireOptions, repository: string, watched: Watched, call: Call) {
  const seenMs = Math.floor(age(watched, clock));
  if (seenMs - watched.noted < watched.leaseMs / notes) return;
  watched.noted = seenMs;
  try {
    await store.note(repository, watched, seenMs, call);
  } catch (error) {
    // It only helps others; what is wrong with the table shows in the next look.
    if (!(error instanceof ArtifactRegistryError)) throw error;
  }
}

/** A try to take the lease that got no answer may have taken it. */
async function giveBack(store: LeaseStore, repository: string, owner: string, call: Call): Promise<void> {
  const free = { owner: undefined, leaseMs: undefined, acquiredAt: undefined, lastOwner: { S: owner } };
  await store.change(repository, owner, free, closing(call)).catch(() => undefined);
}
