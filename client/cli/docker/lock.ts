import type { BigIntStats } from "node:fs";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

interface LockOptions {
  /** Ends the waiting, with its reason. */
  readonly signal: AbortSignal;
  /** Milliseconds after which a lock that has not changed counts as left behind by a process that was killed. */
  readonly patienceMs?: number | undefined;
}

/**
 * Runs work while this process holds a lock file: the work of one process at a time, also of several machines that
 * share a folder. Waits while another one holds it.
 *
 * The work must be short. A lock that stands unchanged for ten seconds is broken, since whoever held it was killed; one
 * that was merely stopped for that long goes on without it. So the lock orders writers that behave, and the work must
 * not break anything without it.
 *
 * @param file exists only while the lock is held; its folder must exist
 * @throws what the work throws, the signal's reason, or the system's error where the file cannot be made
 */
export async function withLock<T>(
  file: string,
  { signal, patienceMs = 10_000 }: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const own = await take(file, signal, patienceMs);
  try {
    return await work();
  } finally {
    // The work is done, or has failed by itself; a lock that stays is broken by whoever comes next.
    await release(file, own).catch(() => undefined);
  }
}

/** @returns the lock's identity */
async function take(file: string, signal: AbortSignal, patienceMs: number): Promise<string> {
  let seen: { readonly lock: string; readonly since: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const own = await tryMake(file);
    if (own !== undefined) return own;
    const lock = await identityOf(file);
    if (lock === undefined) continue;
    if (lock !== seen?.lock) seen = { lock, since: performance.now() };
    // Measured here and not by the file's age: the clock of a file server may be another one.
    else if (performance.now() - seen.since >= patienceMs) await release(file, lock);
    await setTimeout(5 + Math.random() * 20, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns the new lock's identity, or undefined where there is one already */
async function tryMake(file: string): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
  try {
    const stats = await handle.stat({ bigint: true }).finally(() => handle.close());
    return describe(stats);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** Removes the lock if it is still this one. */
async function release(file: string, lock: string): Promise<void> {
  if ((await identityOf(file)) === lock) await rm(file, { force: true });
}

async function identityOf(file: string): Promise<string | undefined> {
  try {
    return describe(await stat(file, { bigint: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function describe({ ino, mtimeNs }: BigIntStats): string {
  return `${ino} ${mtimeNs}`;
}
