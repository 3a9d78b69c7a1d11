/** Work on the data folder that comes back again and again while the registry serves, and that nobody waits for. */
import { setTimeout as sleep } from "node:timers/promises";
import { inBackground, type Store } from "../store/store.ts";

/** A piece of upkeep. The times are milliseconds of a clock that nobody sets. */
export interface Upkeep {
  /** What the log calls it. */
  readonly name: string;
  /** From the start of the registry to the first run. */
  readonly firstMs: number;
  /** From the end of one run to the next. */
  readonly everyMs: number;
  /** Ends early, by throwing, if the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** Starts the upkeep. Returns a function that ends it; the store's background work then holds what is still running. */
export function startUpkeep(store: Store, upkeep: readonly Upkeep[]): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const repeat = async ({ name, firstMs, everyMs, run }: Upkeep): Promise<void> => {
    for (let wait = firstMs; ; wait = everyMs) {
      await sleep(wait, undefined, { signal, ref: false });
      await run(signal).catch((error: unknown) => {
        if (!signal.aborted) store.log(`${name} failed`, error);
      });
      signal.throwIfAborted();
    }
  };
  for (const each of upkeep) {
    // It ends by the signal alone.
    const repeating = repeat(each).catch(() => undefined);
    inBackground(store, each.name, repeating);
  }
  return () => ending.abort();
}

/**
 * Makes a pace for reading: at most so many bytes a second.
 *
 * @returns a function that takes the bytes that were read, and resolves when the next ones may be; it rejects when the signal is
 *   aborted
 */
export function paceOf(bytesPerSecond: number, signal: AbortSignal): (bytes: number) => Promise<void> {
  return async (bytes) => {
    await sleep((bytes / bytesPerSecond) * 1_000, undefined, { signal, ref: false });
  };
}
