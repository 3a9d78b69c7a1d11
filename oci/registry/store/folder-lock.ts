/**
 * The lock that makes one registry the owner of a data folder. The kernel keeps it. The lock therefore holds even while its
 * process is suspended, other containers see it, and it ends with its process in any case. It depends on no clock and on
 * no process number.
 */
import { randomUUID } from "node:crypto";
import { access, constants, readFile, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { errnoOf, ifThere, type KernelLock, takeKernelLock } from "../../files.ts";
import type { Layout } from "./names.ts";

/**
 * A data folder cannot be opened, or must not be changed any more. `code` says why: another registry has it (`IN_USE`), the
 * system does not let us write (`UNWRITABLE`), its form is of a version that we do not know (`FORMAT`), its disk is read-only
 * (`READ_ONLY`), or another registry has taken it over since (`LOST`).
 */
export class DataFolderError extends Error {
  readonly code: "IN_USE" | "UNWRITABLE" | "FORMAT" | "READ_ONLY" | "LOST";

  constructor(code: DataFolderError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DataFolderError";
    this.code = code;
  }
}

/** The lock on a data folder, as its owner has it. */
export interface FolderLock {
  /**
   * Makes sure that nobody else has taken the folder. That can happen only where the kernel's locks do not work: on a file
   * system that keeps them for each host, or after the folder was deleted and made again.
   *
   * @throws DataFolderError `LOST` if the lock file names another registry
   */
  requireHeld(): Promise<void>;
  /** Gives the folder back. Removes the lock file if it still names this registry. */
  release(): Promise<void>;
}

/** Stands for the lock where nothing can be written. It holds off nobody, so that nothing may be remembered of such a folder. */
export const readOnlyLock: FolderLock = {
  async requireHeld() {
    throw new DataFolderError("READ_ONLY", "The data folder's disk is read-only.");
  },
  async release() {},
};

/** The content of the lock file, for people and for {@link FolderLock.requireHeld}. */
interface Owner {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
}

/**
 * Takes the folder for this registry alone. It does not wait.
 *
 * @throws DataFolderError `IN_USE` if another registry has the folder, in this process or in any other that the kernel or
 *   the file server sees, `UNWRITABLE` if the lock file cannot be used; the system's error if the folder cannot be
 */
export async function takeFolderLock({ root, lock, kernelLock }: Layout): Promise<FolderLock> {
  // SQLite does not say why it cannot open a file, but this call does.
  await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  const held = takeLockFile(kernelLock) ?? (await refuse(lock));
  const self: Owner = { id: randomUUID(), pid: process.pid, host: hostname() };
  try {
    await writeFile(lock, JSON.stringify(self));
  } catch (error) {
    held.close();
    throw error;
  }
  return {
    async requireHeld() {
      const owner = await readOwner(lock);
      if (owner === undefined || owner.id === self.id) return;
      const message = `The data folder was taken over by ${describe(owner)} (${lock}). Only one of the two may go on.`;
      throw new DataFolderError("LOST", message);
    },
    async release() {
      try {
        if ((await readOwner(lock))?.id === self.id) await ifThere(unlink(lock));
      } finally {
        held.close();
      }
    },
  };
}

/** @throws DataFolderError `UNWRITABLE` */
function takeLockFile(file: string): KernelLock | undefined {
  try {
    return takeKernelLock(file);
  } catch (error) {
    const message = `The lock file ${file} cannot be used: ${(error as Error).message}.`;
    throw new DataFolderError("UNWRITABLE", message, { cause: error });
  }
}

async function refuse(lock: string): Promise<never> {
  const owner = await readOwner(lock);
  const message = `The data folder is in use by ${describe(owner)} (${lock}). One registry at a time.`;
  throw new DataFolderError("IN_USE", message);
}

function describe(owner: Owner | undefined): string {
  // A file system without locks answers as if somebody else held the lock.
  return owner === undefined
    ? "another process, or on a file system without locks"
    : `process ${owner.pid} on ${owner.host}`;
}

async function readOwner(lock: string): Promise<Owner | undefined> {
  const text = await readFile(lock, "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
  try {
    const owner: unknown = JSON.parse(text ?? "");
    return typeof owner === "object" && owner !== null && "id" in owner ? (owner as Owner) : undefined;
  } catch {
    // The file is half written, or somebody else wrote it. Nothing depends on it.
    return undefined;
  }
}
