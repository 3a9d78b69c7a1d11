import { type Call, race } from "../../../core/call.ts";
import { busy } from "./lease.ts";

/** Thrown to end the wait for a lease: what was to be done is done. */
export class Done extends Error {}

/** Does something once for many who ask for it at the same time. Whoever asks gets it done from after they asked. */
export type Burst = (key: string, call: Call, work: () => Promise<void>) => Promise<void>;

/** What is done for one key: at most one piece of work at a time, and one more for all who have asked since it began. */
interface Lane {
  readonly running: Promise<void>;
  next?: Promise<void>;
}

/** @returns a function that keeps a burst of equal wishes, within this process, from being as many pieces of work */
export function createBurst(): Burst {
  const lanes = new Map<string, Lane>();

  function begin(key: string, work: () => Promise<void>): Promise<void> {
    const lane: Lane = { running: work() };
    lanes.set(key, lane);
    const end = () => {
      if (lane.next === undefined) lanes.delete(key);
    };
    lane.running.then(end, end);
    return lane.running;
  }

  return async (key, call, work) => {
    for (;;) {
      const lane = lanes.get(key);
      if (lane === undefined) return begin(key, work);
      const isMine = lane.next === undefined;
      const mine = async () => {
        call.signal.throwIfAborted();
        await work();
      };
      const again = () => begin(key, mine);
      lane.next ??= lane.running.then(again, again);
      try {
        return await race(lane.next, call.signal);
      } catch (error) {
        if (call.signal.aborted) throw busy(key);
        // Whether it failed is told to its own caller alone: the others try it anew.
        if (isMine) throw error;
      }
    }
  };
}
