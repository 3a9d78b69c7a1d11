import { type Backoff, delayMs, pause, type WaitingTools } from "./waiting.ts";

/** Thrown when a condition does not hold yet but will without our help: a role that AWS must still spread, an etag race. */
export class NotYet extends Error {
  /** What is thrown when there is no time left to wait for it. */
  readonly atLast: unknown;

  constructor(atLast: unknown) {
    super("not yet", { cause: atLast });
    this.atLast = atLast;
  }
}

/**
 * Repeats the work for as long as it throws `NotYet`.
 *
 * @param work is told which try this is, from 1
 * @param backoff the waits, and how many tries there are in all (default: as many as the signal allows)
 * @throws the last `NotYet`'s `atLast` when the tries are used up or the signal fires; everything else that the work throws
 *
 * @example
 * const visible = async () => {
 *   const role = await findRole(name);
 *   if (role === undefined) throw new NotYet(roleNotFound(name));
 *   return role;
 * };
 * const role = await untilReady(visible, call.signal, { baseMs: 100, capMs: 2_000 });
 */
export async function untilReady<T>(
  work: (tries: number) => Promise<T>,
  signal: AbortSignal,
  backoff: Backoff & { readonly attempts?: number },
  { random, wait = pause }: WaitingTools = {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(tries);
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      if (tries === backoff.attempts || signal.aborted) throw error.atLast;
      await wait(delayMs(backoff, tries, random), signal).catch(() => {
        throw error.atLast;
      });
    }
  }
}

/** Waits, but returns early when the signal fires. For a caller whose next try says itself that the time is over. */
export async function pauseAtMost(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await pause(milliseconds, signal).catch(() => undefined);
}
