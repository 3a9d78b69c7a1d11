/**
 * Who owns a data folder. The kernel keeps the lock, so that it holds for a process that is stopped or in another
 * container, and ends with its process, whatever ends that. No time and no process number decides anything.
 *
 * Node has no call for such locks, but SQLite, which is part of it, takes them on its files: a transaction that was
 * begun to write and is never ended holds one. Nothing is ever written to that file.
 */
import { randomUUID } from "node:crypto";
import { access, constants, readFile, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { errnoOf, ifThere } from "../../files.ts";
import type { Layout } from "./layout.ts";

/** Why a data folder cannot be opened, or not be changed any more. */
export class DataFolderError extends Error {
  readonly code: "IN_USE" | "UNWRITABLE" | "LOST";

  constructor(code: DataFolderError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DataFolderError";
    this.code = code;
  }
}

export interface FolderLock {
  /**
   * Throws {@link DataFolderError} when the lock file names another registry. That happens only where the kernel's
   * locks do not reach: on a file system that keeps them on each host, or after the folder was deleted and made again.
   */
  requireHeld(): Promise<void>;
  /** Removes the lock file, if it is still this registry's own, and gives the folder back. */
  release(): Promise<void>;
}

/** What the lock file says, for people and for {@link FolderLock.requireHeld}. */
interface Owner {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
}

// SQLite's result codes: somebody else has the lock.
const sqliteBusy = 5;
const sqliteLocked = 6;

/**
 * Takes the folder for this registry alone, at once or not at all. Throws {@link DataFolderError}: `IN_USE` when
 * another registry has it, in this process or in any other that the kernel, or the file server, sees.
 */
export async function takeFolderLock({ root, lock, kernelLock }: Layout): Promise<FolderLock> {
  // SQLite does not say why it cannot open a file; this does.
  await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  const database = lockFile(kernelLock) ?? (await refuse(lock));
  const self: Owner = { id: randomUUID(), pid: process.pid, host: hostname() };
  try {
    await writeFile(lock, JSON.stringify(self));
  } catch (error) {
    database.close();
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
        database.close();
      }
    },
  };
}

/**
 * The kernel's lock on a file, held until the answer is closed or the process ends; undefined where another has it.
 * This process must not open the file in any other way: closing it would end the lock (POSIX, `fcntl`). For the same
 * reason the file is never removed: who has a removed file open could lock it beside the one who makes it anew.
 */
function lockFile(file: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // A journal in memory leaves no second file. IMMEDIATE takes the lock that one connection alone can have.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
    return database;
  } catch (error) {
    database?.close();
    const { message, errcode } = error as Error & { errcode?: number };
    if (errcode === sqliteBusy || errcode === sqliteLocked) return undefined;
    throw new DataFolderError("UNWRITABLE", `The lock file ${file} cannot be used: ${message}.`, { cause: error });
  }
}

async function refuse(lock: string): Promise<never> {
  const owner = await readOwner(lock);
  const message = `The data folder is in use by ${describe(owner)} (${lock}). One registry at a time.`;
  throw new DataFolderError("IN_USE", message);
}

function describe(owner: Owner | undefined): string {
  // Not every file system has locks; one that has none answers as if somebody held it.
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
    // Written half, or by somebody else. Nothing depends on it.
    return undefined;
  }
}
