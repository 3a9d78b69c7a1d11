import { createSecretKey, type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { link, open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, ifThere, makeFolders, syncPath } from "../files.ts";

const keyBytes = 32;

/** The symmetric key that signs and verifies a registry's tokens. A KeyObject never prints its bytes. */
export interface TokenKey {
  readonly secret: KeyObject;
}

/** A key from 32 bytes that the caller holds. */
export function tokenKey(bytes: Uint8Array): TokenKey {
  if (bytes.byteLength !== keyBytes) throw new Error(`A token key has ${keyBytes} bytes, not ${bytes.byteLength}.`);
  return { secret: createSecretKey(bytes) };
}

/**
 * The key in `file`. Where there is none, one is made, readable by its owner only, and is durable before the first
 * token can be signed with it. Of several processes that start at once, all end up with the same key.
 * Throws when the file cannot be read or written, or is not a key.
 */
export async function loadTokenKey(file: string): Promise<TokenKey> {
  const existing = await ifThere(readFile(file));
  if (existing !== undefined) return checked(file, existing);
  for (const folder of await makeFolders(dirname(file))) await syncPath(dirname(folder));
  await makeKey(file);
  return checked(file, await readFile(file));
}

function checked(file: string, bytes: Buffer): TokenKey {
  if (bytes.byteLength !== keyBytes) throw new Error(`${file} is not a token key: it does not hold ${keyBytes} bytes.`);
  // What a file system gives back for a file that it has lost. Everybody could sign with it.
  if (bytes.every((byte) => byte === 0)) throw new Error(`${file} is not a token key: it holds nothing but zeros.`);
  return tokenKey(bytes);
}

async function makeKey(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  await writeNewFile(aside, [randomBytes(keyBytes)], 0o600);
  try {
    // A link, not a rename: it fails where another process was first, and then that process's key is the one.
    await link(aside, file);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  } finally {
    await unlink(aside);
  }
  await syncPath(dirname(file));
}

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
