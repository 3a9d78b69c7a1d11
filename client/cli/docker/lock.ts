import type { BigIntStats } from "node:fs";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

interface LockOptions {
  /** Ends the wait. `withLock` then throws the reason of the signal. */
  readonly signal: AbortSignal;
  /** Milliseconds after which a lock that has not changed counts as left behind by a process that was killed. */
  readonly staleAfterMs?: number | undefined;
}

/**
 * Runs work while this process holds a lock file, so that only one process works at a time, even when several machines
 * share the folder. Waits while another process holds the lock.
 *
 * The work must be short. A lock that stays unchanged for ten seconds is removed, since its holder was probably killed.
 * A holder that was only suspended for so long goes on without the lock. So the lock puts well-behaved writers in
 * order, and the work must be safe without it.
 *
 * @param file exists only while the lock is held; its folder must exist
 * @throws what the work throws, the reason of the signal, or the system's error when the file cannot be created
 */
export async function withLock<T>(
  file: string,
  { signal, staleAfterMs = 10_000 }: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const own = await take(file, signal, staleAfterMs);
  try {
    return await work();
  } finally {
    // The work is done or has failed by itself. If the lock stays, whoever comes next removes it.
    await release(file, own).catch(() => undefined);
  }
}

/** @returns the identity of the lock */
async function take(file: string, signal: AbortSignal, staleAfterMs: number): Promise<string> {
  let seen: { readonly lock: string; readonly since: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const own = await tryCreate(file);
    if (own !== undefined) return own;
    const lock = await identityOf(file);
    if (lock === undefined) continue;
    if (lock !== seen?.lock) seen = { lock, since: performance.now() };
    // The time is measured here, since the age of the file depends on the clock of a file server.
    else if (performance.now() - seen.since >= staleAfterMs) await release(file, lock);
    await setTimeout(5 + Math.random() * 20, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns the identity of the new lock, or undefined when there is a lock already */
async function tryCreate(file: string): Promise<string | undefined> {
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

/** Removes the lock if it is still the same one. */
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
