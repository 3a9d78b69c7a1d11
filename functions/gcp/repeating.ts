import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../core/call.ts";
import type { ArtifactRegistryError } from "../../core/errors.ts";

/** What is not so yet, and will be by itself. `atLast` is told where the operation has no time left to wait for it. */
export class NotYet extends Error {
  readonly atLast: ArtifactRegistryError;

  constructor(atLast: ArtifactRegistryError) {
    super(atLast.message);
    this.atLast = atLast;
  }
}

/**
 * Does the work again until it is done, as long as the operation has time.
 *
 * @param waitMs milliseconds before the next try, by how many there have been
 */
export async function repeatedly<T>(call: Call, waitMs: (tries: number) => number, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      await pause(waitMs(tries), call.signal, error.atLast);
    }
  }
}

/** Doubles with each try, up to the cap. */
export function growing(baseMs: number, capMs: number): (tries: number) => number {
  return (tries) => Math.min(capMs, baseMs * 2 ** (tries - 1));
}

/** The same, and random below it, so that those who met do not meet again. */
export function jittered(baseMs: number, capMs: number): (tries: number) => number {
  const bound = growing(baseMs, capMs);
  return (tries) => Math.random() * bound(tries);
}

async function pause(milliseconds: number, signal: AbortSignal, atLast: ArtifactRegistryError): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw atLast;
  }
}
