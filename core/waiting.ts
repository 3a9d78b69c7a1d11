import { setTimeout as sleep } from "node:timers/promises";
import { ArtifactRegistryError } from "./errors.ts";

/** How long to wait before the next try. The bound of the wait doubles with each try, up to a cap. */
export interface Backoff {
  /** Milliseconds: the bound of the first wait. */
  readonly baseMs: number;
  /** Milliseconds: no bound is higher. */
  readonly capMs: number;
  /**
   * How much of a wait is random, so that callers who met once do not meet again: all of it (`full`), its upper half (`half`)
   * or nothing (the default, if nobody else waits for the same).
   */
  readonly jitter?: "full" | "half";
}

/** How a failing request is repeated. Its jitter is always full. */
export interface RetryPolicy extends Omit<Backoff, "jitter"> {
  /** Tries in all, the first one included. */
  readonly attempts: number;
}

/** How a request is repeated if nobody says otherwise. */
export const defaultRetry: RetryPolicy = { attempts: 4, baseMs: 100, capMs: 2_000 };

/** Randomness and waiting, which tests replace. */
export interface WaitingTools {
  readonly random?: () => number;
  readonly wait?: typeof pause;
}

/**
 * How long to wait after a try.
 *
 * @param tries how many tries there have been, from 1
 * @param random gives a number from 0 to 1, as `Math.random` does
 * @returns milliseconds
 *
 * @example
 * delayMs({ baseMs: 100, capMs: 2_000 }, 3); // 400
 */
export function delayMs(backoff: Backoff, tries: number, random: () => number = Math.random): number {
  const bound = boundMs(backoff, tries);
  if (backoff.jitter === "full") return random() * bound;
  if (backoff.jitter === "half") return bound / 2 + (random() * bound) / 2;
  return bound;
}

function boundMs({ baseMs, capMs }: Omit<Backoff, "jitter">, tries: number): number {
  // 2 ** 1024 is Infinity, and a base of 0 times Infinity is no number.
  return Math.min(capMs, baseMs * 2 ** Math.min(tries - 1, 50));
}

/** Waits for so many milliseconds. @throws an AbortError as soon as the signal fires */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}

/**
 * Repeats what fails with a retryable error, with full jitter. It waits at least as long as the upstream's `Retry-After` says.
 * If that is longer than the cap, it throws the error at once, because the caller must not be kept waiting so long.
 *
 * @throws what the last try threw, or an AbortError if the signal fires during a wait
 *
 * @example
 * const answer = await retrying(() => send(request), signal, { attempts: 4, baseMs: 100, capMs: 2_000 });
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  policy: RetryPolicy = defaultRetry,
  { random = Math.random, wait = pause }: WaitingTools = {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ArtifactRegistryError && error.retryable)) throw error;
      if (tries >= policy.attempts || signal.aborted) throw error;
      const asked = (error.retryAfterSeconds ?? 0) * 1_000;
      if (asked > policy.capMs) throw error;
      await wait(Math.max(asked, random() * boundMs(policy, tries)), signal);
    }
  }
}
