import { readdir } from "node:fs/promises";

/** The system's code of a failed call (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** The promise's value, or undefined where the file or a folder above it does not exist. Other errors stay errors. */
export async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Whether the failed call says that the disk, the quota or the file-size limit is exhausted. */
export function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

/** Whether a link failed because this file system or this file cannot have another one: then a copy has to do. */
export function cannotLink(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "EMLINK" || code === "EPERM" || code === "ENOTSUP" || code === "EXDEV" || code === "ENOSYS";
}

/** The names in a folder, or none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(readdir(folder))) ?? [];
}
