import { setTimeout as sleep } from "node:timers/promises";
import { ArtifactRegistryError } from "./errors.ts";

/** How long to wait before each next try: bounds that double from one to the next, up to a cap. */
export interface Backoff {
  /** Milliseconds: the bound of the first wait. */
  readonly baseMs: number;
  /** Milliseconds: no bound is higher. */
  readonly capMs: number;
  /**
   * How much of a bound is random, so that callers who met once do not meet again: all of it (`full`), its upper half
   * (`half`) or nothing (the default, for looking at what only we wait for).
   */
  readonly jitter?: "full" | "half";
}

/** How a failing request is repeated. Its jitter is always full. */
export interface RetryPolicy extends Omit<Backoff, "jitter"> {
  /** Tries in all, the first one included. */
  readonly attempts: number;
}

export const defaultRetry: RetryPolicy = { attempts: 4, baseMs: 100, capMs: 2_000 };

/** What tests replace. */
export interface WaitingTools {
  readonly random?: () => number;
  readonly wait?: typeof pause;
}

/**
 * The wait that follows a try.
 *
 * @param tries how many there have been, from 1
 * @returns milliseconds
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

/** Waits. @throws the signal's AbortError as soon as it fires */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}

/** Waits, but returns early when the signal fires. For a caller whose next try says itself that the time is over. */
export async function pauseAtMost(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await pause(milliseconds, signal).catch(() => undefined);
}

/**
 * Repeats what fails with a retryable error, with full jitter. An upstream's `Retry-After` is the least that is waited;
 * one that is longer than the cap is handed on to the caller, who must not be kept waiting so long.
 *
 * @throws what the last try threw; the signal's AbortError when it fires during a wait
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
