import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { onTestFinished, vi } from "vitest";

/** Time limits that run out when a test says so. */
export interface HeldTimeLimits {
  /** Milliseconds of each limit that was set, in order. */
  readonly set: readonly number[];
  /** Lets every limit that is running run out, or those of at most so many milliseconds. Later ones are not touched. */
  end(atMostMs?: number): void;
}

/**
 * Takes the time limits that the code under test sets from now on (`AbortSignal.timeout`) into the hands of a test, until it
 * is over. None runs out by itself: the test waits for the event after which one would, as "the request has arrived", and
 * ends it then. So nothing depends on how fast the machine is, and nobody waits for time to go by.
 *
 * @param heldMs holds limits of exactly this length; the others stay as they are. Without it, all are held.
 */
export function holdTimeLimits(heldMs?: number): HeldTimeLimits {
  const set: number[] = [];
  let running: { readonly ms: number; readonly controller: AbortController }[] = [];
  const real = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    if (heldMs !== undefined && ms !== heldMs) return real(ms);
    const controller = new AbortController();
    set.push(ms);
    running.push({ ms, controller });
    return controller.signal;
  });
  onTestFinished(() => spy.mockRestore());
  return {
    set,
    end(atMostMs = Number.POSITIVE_INFINITY) {
      const ending = running.filter(({ ms }) => ms <= atMostMs);
      running = running.filter(({ ms }) => ms > atMostMs);
      // As Node's own does.
      const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
      for (const { controller } of ending) controller.abort(reason());
    },
  };
}

/** Resolves in the next wait (`setTimeout` of `node:timers/promises`) of at least so many milliseconds, when it has begun. */
export function nextWait(atLeastMs: number): Promise<void> {
  const real = timers.setTimeout;
  const restore = () => {
    timers.setTimeout = real;
    syncBuiltinESMExports();
  };
  onTestFinished(restore);
  return new Promise((resolve) => {
    const watched = (milliseconds?: number, ...more: unknown[]) => {
      const waiting = (real as (...all: unknown[]) => Promise<unknown>)(milliseconds, ...more);
      if ((milliseconds ?? 0) >= atLeastMs) {
        restore();
        resolve();
      }
      return waiting;
    };
    timers.setTimeout = watched as typeof real;
    syncBuiltinESMExports();
  });
}
