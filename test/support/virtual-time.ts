import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

/**
 * The time of a process in which nobody waits: while it is held, `setTimeout` of `node:timers/promises`, `AbortSignal.timeout`
 * and `performance.now` go by it. It stands still as long as something is being done, and goes on to the next moment for which
 * somebody waits when nothing is.
 */
export interface VirtualTime {
  now(): Date;
  /** Lets so many milliseconds pass in which nobody does anything. */
  pass(milliseconds: number): void;
  /** Says that something is being done from outside, as an answer to a request. Returns what says that it is done. */
  begin(): () => void;
  /** Lets nobody wait any more: what waited never goes on. */
  forget(): void;
  release(): void;
}

interface Waiting {
  readonly due: number;
  /** Whether the time goes on for it; else it only comes by. */
  readonly moves: boolean;
  wake(): void;
}

export function holdTime(start: Date): VirtualTime {
  const real = { sleep: timers.setTimeout, timeout: AbortSignal.timeout, performance: performance.now };
  let elapsed = 0;
  let doing = 0;
  let looking = false;
  let waiting: Waiting[] = [];

  function wait(milliseconds: number, moves: boolean, wake: () => void): () => void {
    const entry = { due: elapsed + Math.max(0, milliseconds), moves, wake };
    waiting.push(entry);
    if (moves) look();
    return () => {
      waiting = waiting.filter((each) => each !== entry);
    };
  }

  /** Looks whether nothing is being done, when everything that can go on by itself has done so. */
  function look(): void {
    if (looking) return;
    looking = true;
    setImmediate(() =>
      setImmediate(() => {
        looking = false;
        if (doing === 0 && waiting.some(({ moves }) => moves)) goOn();
      }),
    );
  }

  /** As far as the next moment at which anything happens: a limit that comes by may end the wait for a later one. */
  function goOn(): void {
    reach(Math.min(...waiting.map(({ due }) => due)));
    look();
  }

  function reach(moment: number): void {
    const due = waiting.filter((each) => each.due <= moment).sort((a, b) => a.due - b.due);
    waiting = waiting.filter((each) => each.due > moment);
    for (const each of due) {
      elapsed = Math.max(elapsed, each.due);
      each.wake();
    }
    elapsed = Math.max(elapsed, moment);
  }

  const sleep = <T>(milliseconds = 0, value?: T, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      const ended = () => new DOMException("The operation was aborted", { name: "AbortError", cause: signal?.reason });
      if (signal?.aborted) return reject(ended());
      const onAbort = () => {
        cancel();
        reject(ended());
      };
      const cancel = wait(milliseconds, true, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve(value as T);
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  timers.setTimeout = sleep as typeof timers.setTimeout;
  syncBuiltinESMExports();
  AbortSignal.timeout = (milliseconds) => {
    const controller = new AbortController();
    const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
    wait(milliseconds, false, () => controller.abort(reason()));
    return controller.signal;
  };
  performance.now = () => elapsed;

  return {
    now: () => new Date(start.getTime() + elapsed),
    pass: (milliseconds) => reach(elapsed + milliseconds),
    begin() {
      doing++;
      return () => {
        doing--;
        if (doing === 0) look();
      };
    },
    forget() {
      waiting = [];
    },
    release() {
      timers.setTimeout = real.sleep;
      syncBuiltinESMExports();
      AbortSignal.timeout = real.timeout;
      performance.now = real.performance;
    },
  };
}
