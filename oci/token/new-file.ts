import { open, unlink } from "node:fs/promises";

/**
 * Writes a file that does not exist yet. When the promise resolves, its content survives a power cut; its name does so
 * after {@link syncPath} of its folder. Whatever fails, nothing of it is left.
 *
 * @param mode permission bits, of which the umask takes some away
 * @throws the system's error: `EEXIST` where the file exists, `ENOSPC` on a full disk
 */
export async function writeNewFile(file: string, parts: readonly Uint8Array[], mode = 0o666): Promise<void> {
  const handle = await open(file, "wx", mode);
  try {
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
      const { size } = await handle.stat();
      const wanted = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (size !== wanted) throw new Error(`${file} holds ${size} bytes of ${wanted}.`);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await unlink(file).catch(() => undefined);
    throw error;
  }
}

/** Makes a file, or the names in a folder, durable. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
