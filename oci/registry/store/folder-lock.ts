import { randomUUID } from "node:crypto";
import { constants, copyFile, link, readFile, readlink, rename, unlink, writeFile } from "node:fs/promises";
import { cannotLink, errnoOf, ifThere } from "./fs.ts";

/** Why a data folder cannot be opened. */
export class DataFolderError extends Error {
  readonly code: "IN_USE" | "UNWRITABLE";

  constructor(code: "IN_USE" | "UNWRITABLE", message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DataFolderError";
    this.code = code;
  }
}

interface Owner {
  readonly pid: number;
  /** When the process started, in the kernel's own unit: tells a process from a later one with the same number. */
  readonly start?: string;
  /** The boot and the pid namespace in which `pid` and `start` mean something. */
  readonly place?: string;
}

// Folders that this process itself holds: on a system without /proc, its own number in a stale file proves nothing.
const held = new Set<string>();

/**
 * Takes the lock file for this process. A lock whose owner is dead is taken over. Throws {@link DataFolderError} when
 * another live process, or another registry in this one, has it. Returns the function that releases it.
 */
export async function takeFolderLock(file: string): Promise<() => Promise<void>> {
  const aside = `${file}.${randomUUID()}`;
  await writeFile(aside, JSON.stringify(await describeSelf()));
  try {
    while (!(await tryLink(aside, file))) await removeStale(file);
  } finally {
    await unlink(aside);
  }
  held.add(file);
  return async () => {
    held.delete(file);
    await ifThere(unlink(file));
  };
}

async function removeStale(file: string): Promise<void> {
  const text = await ifThere(readFile(file, "utf8"));
  if (text === undefined) return;
  const owner = parseOwner(text);
  if (owner !== undefined && (await isAlive(owner, file))) throw inUse(file, owner.pid);
  // Moved, looked at again, then removed: of two processes that both saw a dead owner, the slower one must not remove
  // the lock that the faster one has taken meanwhile.
  const moved = `${file}.${randomUUID()}`;
  if ((await ifThere(rename(file, moved).then(() => true))) === undefined) return;
  const taken = await readFile(moved, "utf8");
  if (taken !== text) await tryLink(moved, file);
  await unlink(moved);
}

async function isAlive(owner: Owner, file: string): Promise<boolean> {
  const self = await describeSelf();
  // A number from another container or another boot says nothing here. That no two containers share the folder is for
  // whoever mounts it to see to; after a restart the container must come up again by itself.
  if (owner.place !== self.place) return false;
  if (owner.pid === process.pid && owner.start === self.start) return held.has(file);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return false;
  }
  return owner.start === undefined || owner.start === (await startOf(owner.pid));
}

async function describeSelf(): Promise<Owner> {
  const [start, boot, namespace] = await Promise.all([
    startOf(process.pid),
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined),
    readlink("/proc/self/ns/pid").catch(() => undefined),
  ]);
  const place = boot === undefined || namespace === undefined ? undefined : `${boot.trim()} ${namespace}`;
  return { pid: process.pid, ...(start === undefined ? {} : { start }), ...(place === undefined ? {} : { place }) };
}

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // Field 22; counted from behind the command's name, which may hold spaces and brackets.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(text);
    return typeof owner === "object" && owner !== null && "pid" in owner && Number.isSafeInteger(owner.pid)
      ? (owner as Owner)
      : undefined;
  } catch {
    // A lock is linked whole, so one that cannot be read is not ours; nobody can be holding it.
    return undefined;
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch((error: unknown) => {
      if (!cannotLink(error)) throw error;
      return copyFile(from, to, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

function inUse(file: string, pid: number): DataFolderError {
  return new DataFolderError(
    "IN_USE",
    `The data folder is in use by process ${pid} (${file}). One registry at a time.`,
  );
}
