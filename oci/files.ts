/** What `node:fs` lacks: what an error means, how names become durable, locks, and how to see that content has changed. */
import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, mkdir, open, opendir, readdir, readFile, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

/** Returns the system's code of a failed call, such as `ENOENT`, or undefined if the error did not come from the system. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/**
 * Returns the promise's value, or undefined if the file or a folder above it does not exist.
 *
 * @throws every other error of the promise
 *
 * @example
 * const text = (await ifThere(readFile(file, "utf8"))) ?? "";
 */
export async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Whether a call failed because the disk, the quota or the limit on a file's size is exhausted. */
export function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

/** Whether a link failed because the file system has no links, or the file has as many as it may. The caller can copy it. */
export function cannotLink(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "EMLINK" || code === "EPERM" || code === "ENOTSUP" || code === "EXDEV" || code === "ENOSYS";
}

/** Returns the names in a folder, in no order, or none if there is no such folder. @throws the system's error */
export async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(readdir(folder))) ?? [];
}

/**
 * Makes a folder, and the folders above it that are missing. Returns those that it made, the outermost first.
 *
 * Node's own recursive `mkdir` never returns if a folder exists but the system answers ENOENT when one is made in it, as
 * it does in /proc. This tries every folder twice at most.
 *
 * @throws the system's error, such as `EACCES`
 */
export async function makeFolders(folder: string): Promise<string[]> {
  const outcome = await tryMake(folder);
  if (outcome === "made") return [folder];
  if (outcome === "there") return [];
  const above = await makeFolders(dirname(folder));
  await mkdir(folder).catch(ignoreExisting);
  return [...above, folder];
}

async function tryMake(folder: string): Promise<"made" | "there" | "parent missing"> {
  try {
    await mkdir(folder);
    return "made";
  } catch (error) {
    if (errnoOf(error) === "ENOENT" && dirname(folder) !== folder) return "parent missing";
    ignoreExisting(error);
    return "there";
  }
}

function ignoreExisting(error: unknown): void {
  if (errnoOf(error) !== "EEXIST") throw error;
}

/**
 * Removes a folder with everything in it, or does nothing if there is none. One call of the system runs at a time: Node's own
 * recursive `rm` queues one for each file at once, and everybody who reads waits behind them.
 *
 * @throws the system's error
 */
export async function removeTree(folder: string): Promise<void> {
  const entries = await ifThere(opendir(folder));
  if (entries === undefined) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    await (entry.isDirectory() ? removeTree(path) : ifThere(unlink(path)));
  }
  await ifThere(rmdir(folder));
}

/** Makes the content of a file, or the names in a folder, durable: they survive a power cut. @throws the system's error */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const readBytes = 1024 * 1024;

/**
 * Shows, without reading a file, whether its content is still what it was. A write changes the time, a truncation changes
 * the size, and another file has another inode. The size is in bytes, the time in nanoseconds.
 */
export interface Fingerprint {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modified: bigint;
}

function fingerprintOf({ dev, ino, size, mtimeNs }: BigIntStats): Fingerprint {
  return { device: dev, inode: ino, size, modified: mtimeNs };
}

/** Whether the file is the same, and nobody has written to it. */
export function isSameContent(one: Fingerprint, other: Fingerprint): boolean {
  return isSameFile(one, other) && one.modified === other.modified;
}

/** Whether both are the same file, with the same length. */
export function isSameFile(one: Fingerprint, other: Fingerprint): boolean {
  return one.device === other.device && one.inode === other.inode && one.size === other.size;
}

/** Returns the fingerprint of the file at a path, or undefined if there is none. @throws the system's other errors */
export async function fingerprintAt(path: string): Promise<Fingerprint | undefined> {
  const stats = await ifThere(stat(path, { bigint: true }));
  return stats === undefined ? undefined : fingerprintOf(stats);
}

/** Returns the fingerprint of an open file, whatever its name is now. @throws the system's error */
export async function fingerprintOfHandle(handle: FileHandle): Promise<Fingerprint> {
  return fingerprintOf(await handle.stat({ bigint: true }));
}

/**
 * Reads a file that others replace while this process runs. What was read is kept for as long as the file stays the same,
 * which costs one `stat` each time. A failure is not kept: the next call reads again.
 *
 * @param read makes the value from the content, or from undefined if there is no such file
 * @returns a function that throws the system's error, or what `read` throws
 *
 * @example
 * const settings = followFile("settings.json", (content) => JSON.parse(content?.toString() ?? "{}"));
 * const now = await settings();
 */
export function followFile<T>(file: string, read: (content: Buffer | undefined) => T): () => Promise<T> {
  let known: { readonly fingerprint: Fingerprint | undefined; readonly value: T } | undefined;
  const isCurrent = (fingerprint: Fingerprint | undefined) =>
    known?.fingerprint === undefined || fingerprint === undefined
      ? known?.fingerprint === fingerprint
      : isSameContent(known.fingerprint, fingerprint);

  return async () => {
    // The fingerprint is taken before the content is read: if the file is replaced in between, the next call reads it again.
    const fingerprint = await fingerprintAt(file);
    if (known !== undefined && isCurrent(fingerprint)) return known.value;
    const value = read(await ifThere(readFile(file)));
    known = { fingerprint, value };
    return value;
  };
}

/** SQLite's result codes if somebody else has the lock. */
const sqliteBusy = 5;
const sqliteLocked = 6;

/** The kernel's lock on a file, which holds until it is closed or the process ends. */
export interface KernelLock {
  close(): void;
}

/**
 * Takes the kernel's lock on a file, which it makes if it does not exist. Returns undefined if somebody else has it. Node has
 * no call for such locks, but its SQLite takes them on its files: a write transaction that has begun and never ends holds
 * one. Nothing is ever written to that file.
 *
 * This process must not open the file in any other way, because to close it would end the lock (POSIX, `fcntl`). The file is
 * never removed, because two processes could then lock two files of the same name.
 *
 * @throws SQLite's error if the file cannot be used
 */
export function takeKernelLock(file: string): KernelLock | undefined {
  // Loaded here, because most who read files need no lock.
  const sqlite = process.getBuiltinModule("node:sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(file);
    // A journal in memory makes no second file. IMMEDIATE takes the lock that only one connection can have.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
    return database;
  } catch (error) {
    database?.close();
    const { errcode } = error as Error & { errcode?: number };
    if (errcode === sqliteBusy || errcode === sqliteLocked) return undefined;
    throw error;
  }
}

/**
 * Runs work while this process has the kernel's lock on a file. It waits up to ten seconds for others.
 *
 * @throws Error if the lock cannot be had; whatever the work throws
 */
export async function withKernelLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const lock = takeKernelLock(file);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.close();
      }
    }
    if (tries === 500) throw new Error(`Somebody else has the lock on ${file}.`);
    await sleep(20);
  }
}

/**
 * Reads an open file from its start, and returns the hash of its content in lower-case hex.
 *
 * @param pace is called with the bytes of each part after it was read, and the reading waits for it
 * @throws the system's error, or what `pace` throws
 */
export async function hashFile(
  handle: FileHandle,
  algorithm: "sha256" | "sha512",
  pace?: (bytes: number) => Promise<void>,
): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, readBytes, position);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
    await pace?.(bytesRead);
  }
}
