import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { LRUCache } from "lru-cache";
import { errnoOf, fingerprintAt, fingerprintOfHandle, ifThere, isSameFile, syncPath } from "../../files.ts";

/** Changes on the disk that survive a power cut once their promise has resolved. They throw the system's errors. */
export interface Durable {
  /** Makes a folder and those above it, and makes the entry of each in its parent durable. */
  ensureFolder(folder: string): Promise<void>;
  /** Forgets that this folder and those below it were made. Call it before the folder is moved away. */
  forgetFolder(folder: string): void;
  /** Makes the names in a folder durable. While one sync of a folder runs, all new calls share the next one. */
  syncFolder(folder: string): Promise<void>;
  /**
   * Makes sure that a file holds exactly these bytes. If it holds them already, its name is made durable, because the
   * writer may have been killed before it did that. Else the bytes are written to another file, made durable, and moved to
   * the name, so that readers see all of them or none.
   *
   * @throws Error if the name does not lead to them in the end
   */
  writeFile(file: string, bytes: Buffer): Promise<void>;
  /** Returns a new path for a file that is moved to its own name later. */
  aside(): string;
}

/**
 * Makes the durable changes of one data folder.
 *
 * @param root the data folder, which must exist and be durable
 * @param asideFolder a folder on the same file system, for files that are not complete yet
 */
export function createDurable(root: string, asideFolder: string): Durable {
  // The folders whose entry in their parent this process made durable itself. A folder that merely exists does not count:
  // the process that made it may have died before the parent's fsync, or the request that made it may not have reached that fsync yet.
  const made = new LRUCache<string, Promise<void>>({ maxSize: 50_000, sizeCalculation: () => 1 });
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  function ensureFolder(folder: string): Promise<void> {
    const known = made.get(folder);
    if (known !== undefined) return known;
    const making = makeFolder(folder);
    made.set(folder, making);
    making.catch(() => made.get(folder) === making && made.delete(folder));
    return making;
  }

  async function makeFolder(folder: string): Promise<void> {
    if (folder === root) return;
    const parent = dirname(folder);
    await ensureFolder(parent);
    try {
      await mkdir(folder);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    await syncFolder(parent);
  }

  function syncFolder(folder: string): Promise<void> {
    const current = running.get(folder);
    if (current === undefined) return startSync(folder);
    const queued = waiting.get(folder);
    if (queued !== undefined) return queued;
    const afterwards = () => {
      waiting.delete(folder);
      return startSync(folder);
    };
    // The sync that runs may have begun before the caller's change, and so may miss it. The next one cannot.
    const next = current.then(afterwards, afterwards);
    waiting.set(folder, next);
    return next;
  }

  function startSync(folder: string): Promise<void> {
    const sync = syncPath(folder).finally(() => running.get(folder) === sync && running.delete(folder));
    running.set(folder, sync);
    return sync;
  }

  async function writeFile(file: string, bytes: Buffer): Promise<void> {
    if ((await ifThere(readFile(file)))?.equals(bytes) !== true) await replaceFile(file, bytes);
    await syncFolder(dirname(file));
  }

  async function replaceFile(file: string, bytes: Buffer): Promise<void> {
    const aside = join(asideFolder, randomUUID());
    const handle = await open(aside, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
      const written = await fingerprintOfHandle(handle);
      // A file that was not written whole is not renamed, so that the old one stays.
      if (written.size !== BigInt(bytes.length)) throw new Error(`${file} was not written whole`);
      await rename(aside, file);
      const named = await fingerprintAt(file);
      const whole = named !== undefined && isSameFile(written, named) && named.size === written.size;
      if (!whole) throw new Error(`${file} does not hold what was written`);
    } catch (error) {
      await ifThere(unlink(aside)).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
  }

  return {
    ensureFolder,
    forgetFolder(folder) {
      for (const key of made.keys()) if (key === folder || key.startsWith(folder + sep)) made.delete(key);
    },
    syncFolder,
    writeFile,
    aside: () => join(asideFolder, randomUUID()),
  };
}
