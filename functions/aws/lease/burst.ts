import { type Call, race } from "../../../core/call.ts";
import { busy } from "./lease.ts";

/** Thrown to end the wait for a lease: what was to be done is done. */
export class Done extends Error {}

/**
 * Does one thing once for many who ask for it at the same time in this process.
 *
 * @param isDone asked by each of them at first, and again whenever somebody was at it
 * @param work may throw `Done` where others, in another process, have done it meanwhile
 */
export type Burst = (
  key: string,
  call: Call,
  isDone: () => Promise<boolean>,
  work: () => Promise<unknown>,
) => Promise<void>;

/** @returns a function that keeps a burst of equal wishes from being as many edits */
export function createBurst(): Burst {
  const working = new Map<string, Promise<unknown>>();
  return async (key, call, isDone, work) => {
    while (!(await isDone())) {
      const others = working.get(key);
      if (others !== undefined) {
        await race(others, call.signal).catch(() => {
          throw busy(key);
        });
        continue;
      }
      const mine = work();
      // Whether it failed is told to its own caller alone: the next one tries it anew.
      const over = mine.then(
        () => undefined,
        () => undefined,
      );
      working.set(key, over);
      try {
        await mine;
      } catch (error) {
        if (!(error instanceof Done)) throw error;
      } finally {
        working.delete(key);
      }
      return;
    }
  };
}
