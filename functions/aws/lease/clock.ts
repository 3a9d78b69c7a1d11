import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds that only go forward, from wherever they begin. No moment of one machine is compared with another's. */
export interface Clock {
  now(): number;
  /** Rejects when the signal fires. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const monotonic: Clock = {
  now: () => performance.now(),
  async wait(milliseconds, signal) {
    await sleep(milliseconds, undefined, { signal });
  },
};
