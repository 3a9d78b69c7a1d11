/** What `node:fs` lacks: what an error means, how names become durable, and how to see that content has changed. */
import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

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

/** Reads an open file from its start, and returns the hash of its content in lower-case hex. @throws the system's error */
export async function hashFile(handle: FileHandle, algorithm: "sha256" | "sha512"): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, readBytes, position);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
