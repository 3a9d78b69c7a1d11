import { setTimeout as sleep } from "node:timers/promises";
import { ArtifactRegistryError } from "./errors.ts";

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number;
  /** Milliseconds: the first wait is random between 0 and this, each next bound doubles. */
  readonly baseMs: number;
  /** Milliseconds: no wait is longer, unless the upstream asks for more. */
  readonly capMs: number;
}

export const defaultRetry: RetryPolicy = { attempts: 4, baseMs: 100, capMs: 2_000 };

export interface RetryTools {
  readonly random?: () => number;
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Repeats what is retryable, with full jitter and truncated exponential backoff. An upstream's `Retry-After` is a
 * floor for the wait; one that is longer than a caller can be kept waiting is handed on to the caller instead.
 *
 * @throws what the last try threw
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  policy: RetryPolicy = defaultRetry,
  { random = Math.random, wait = pause }: RetryTools = {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ArtifactRegistryError && error.retryable)) throw error;
      if (tries >= policy.attempts || signal.aborted) throw error;
      const asked = (error.retryAfterSeconds ?? 0) * 1_000;
      if (asked > policy.capMs) throw error;
      const bound = Math.min(policy.capMs, policy.baseMs * 2 ** (tries - 1));
      await wait(Math.max(asked, random() * bound), signal);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}
