import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, readdir, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** How a file is replaced. */
export interface WholeFileOptions {
  /**
   * Permission bits of a new file. An existing file keeps its own, but none beyond these. Default: everything that the umask
   * allows.
   */
  readonly mode?: number;
  /** Runs when the new content is on the disk, right before it takes the file's place. A throw keeps the old file. */
  readonly beforeRename?: () => Promise<void>;
}

/**
 * Replaces a file as a whole. Whatever fails, and whenever the process or the machine stops, the file has either its old
 * content or all of the new content. The content is written to a new file in the same folder, brought to the disk, checked
 * for its size, and renamed. When the promise resolves, the new content survives a power cut.
 *
 * A symbolic link stays, and the file that it leads to is replaced. An existing file keeps its owner and its group as
 * far as this process may give files away.
 *
 * @throws the system's error (`ENOSPC`, `EACCES`, ...) or that of `beforeRename`. Nothing is left behind, and the file has its
 *   old content. There is one exception: if the folder itself cannot be brought to the disk, the file has the new content.
 *
 * @example
 * await writeWholeFile("/home/me/.docker/config.json", text, { mode: 0o600 });
 */
export async function writeWholeFile(
  file: string,
  content: string | Uint8Array,
  { mode = 0o666, beforeRename }: WholeFileOptions = {},
): Promise<void> {
  const target = await followLinks(file);
  const former = await statIfThere(target);
  // A device, a pipe or a socket would be replaced by a file.
  if (former?.isFile() === false) throw new Error(`${target} is not a regular file.`);
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const part = `${target}.${randomUUID()}.tmp`;
  const handle = await open(part, "wx", former === undefined ? mode : former.mode & mode & 0o777);
  try {
    try {
      if (former !== undefined) await keepAttributes(handle, former, mode);
      await writeAll(handle, bytes);
      await handle.sync();
      const { size } = await handle.stat();
      if (size !== bytes.byteLength) throw new Error(`${part} holds ${size} bytes of ${bytes.byteLength}.`);
    } finally {
      await handle.close();
    }
    await beforeRename?.();
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(target));
}

/**
 * Finds the file that a path leads to through all symbolic links. That file need not exist.
 *
 * @throws the system's error, such as `ELOOP` for links in a circle
 */
export async function followLinks(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  // Either nothing is there, or a link to something that does not exist yet.
  let next: string;
  try {
    next = await readlink(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return file;
    throw error;
  }
  return followLinks(resolve(await realpath(dirname(file)), next));
}

/**
 * Removes what writers of a file left beside it when they were killed. A writer that is still at work would fail, and the file
 * would keep its content. So call this only while you hold a lock that all writers take.
 *
 * @param target the file itself, not a link to it
 */
export async function removeLeftovers(target: string): Promise<void> {
  const [folder, name] = [dirname(target), basename(target)];
  const parts = (await readdir(folder)).filter(
    (each) =>
      each.startsWith(name) && /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/.test(each.slice(name.length)),
  );
  for (const part of parts) await rm(join(folder, part), { force: true });
}

async function statIfThere(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function keepAttributes(handle: FileHandle, former: Stats, mode: number): Promise<void> {
  const { uid, gid } = await handle.stat();
  if (uid !== former.uid || gid !== former.gid) {
    await handle.chown(former.uid, former.gid).catch((error: unknown) => {
      // Root must not take a user's file away from its owner. Nobody else can give one away.
      if (uid === 0) throw error;
    });
  }
  // This comes after the change of the owner, which clears bits. It also sets the bits that the umask took away.
  await handle.chmod(former.mode & mode & 0o777);
}

/** Writes all bytes. If the disk is almost full, one call writes fewer than it was given, and only the next one fails. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, written);
    if (bytesWritten === 0) return;
    written += bytesWritten;
  }
}

/** Makes a rename durable. Some systems, such as Windows, cannot sync a folder. There we rely on the system. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch (error) {
    if (!["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"].includes(codeOf(error) ?? "")) throw error;
  } finally {
    await handle?.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
