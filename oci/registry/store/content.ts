import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, stat } from "node:fs/promises";
import { ifThere } from "./fs.ts";
import type { DigestAlgorithm } from "./names.ts";

const readBytes = 1024 * 1024;

/**
 * What tells, without reading a file, whether its content is still what it was. A write changes the time, a lost end
 * changes the size, and another file has another inode. Times are in nanoseconds.
 */
export interface Fingerprint {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modified: bigint;
}

export function fingerprintOf({ dev, ino, size, mtimeNs }: BigIntStats): Fingerprint {
  return { device: dev, inode: ino, size, modified: mtimeNs };
}

export function isSameContent(one: Fingerprint, other: Fingerprint): boolean {
  return isSameFile(one, other) && one.modified === other.modified;
}

/** Whether both are one file, of one length. */
export function isSameFile(one: Fingerprint, other: Fingerprint): boolean {
  return one.device === other.device && one.inode === other.inode && one.size === other.size;
}

/** The fingerprint of the file that a path leads to, or undefined where there is none. */
export async function fingerprintAt(path: string): Promise<Fingerprint | undefined> {
  const stats = await ifThere(stat(path, { bigint: true }));
  return stats === undefined ? undefined : fingerprintOf(stats);
}

/** The fingerprint of an open file. */
export async function fingerprintOfHandle(handle: FileHandle): Promise<Fingerprint> {
  return fingerprintOf(await handle.stat({ bigint: true }));
}

/** The digest, in lower-case hex, of what an open file holds now. Reads all of it, and leaves it open. */
export async function hashFile(handle: FileHandle, algorithm: DigestAlgorithm): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, readBytes, position);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
