import type { FileHandle } from "node:fs/promises";

const flushStrideBytes = 32 * 1024 * 1024;

/** Sends a growing file to the disk while more of it is still arriving. */
export interface EarlyFlush {
  /** Tells that so many more bytes are in the file. */
  wrote(bytes: number): void;
  /** Resolves when nothing is on its way any more. Throws what any of it met: the disk tells an error only once. */
  settled(): Promise<void>;
}

/**
 * Without it the system keeps a layer in memory until the closing fsync, and the client waits for the whole of it then;
 * with it the disk works while the network does. One flush at a time, every 32 MiB.
 */
export function flushEarly(handle: FileHandle): EarlyFlush {
  let unflushed = 0;
  let running: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  return {
    wrote(bytes) {
      unflushed += bytes;
      if (unflushed < flushStrideBytes || running !== undefined) return;
      unflushed = 0;
      running = handle
        .datasync()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          running = undefined;
        });
    },
    async settled() {
      await running;
      if (failure !== undefined) throw failure.error;
    },
  };
}
