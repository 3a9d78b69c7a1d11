import { createSecretKey, type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { link, open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, ifThere, makeFolders, syncPath } from "../files.ts";

const keyBytes = 32;

/** The symmetric key that signs and verifies a registry's tokens. A KeyObject never prints its bytes. */
export interface TokenKey {
  readonly secret: KeyObject;
}

/**
 * Makes a key from 32 bytes.
 *
 * @throws Error if there are more or fewer
 *
 * @example
 * const key = tokenKey(randomBytes(32)); // nobody else can sign with it, and it ends with this process
 */
export function tokenKey(bytes: Uint8Array): TokenKey {
  if (bytes.byteLength !== keyBytes) throw new Error(`A token key has ${keyBytes} bytes, not ${bytes.byteLength}.`);
  return { secret: createSecretKey(bytes) };
}

/**
 * Loads the key in `file`. If the file does not exist, it makes one that only its owner can read, and makes it durable
 * before the first token can be signed with it. Processes that start at the same time all get the same key.
 *
 * @param file the path of 32 bytes, and nothing else
 * @throws the system's error if the file cannot be read or written; Error if it does not hold a key
 *
 * @example
 * const token = mintToken(await loadTokenKey(".data/token.key"), { subject, access, audience, expiresAt });
 */
export async function loadTokenKey(file: string): Promise<TokenKey> {
  const existing = await ifThere(readFile(file));
  if (existing !== undefined) return keyFrom(file, existing);
  for (const folder of await makeFolders(dirname(file))) await syncPath(dirname(folder));
  await makeKey(file);
  return keyFrom(file, await readFile(file));
}

function keyFrom(file: string, bytes: Buffer): TokenKey {
  if (bytes.byteLength !== keyBytes) throw new Error(`${file} is not a token key: it does not hold ${keyBytes} bytes.`);
  // A file system may return zeros for a file that it has lost. Everybody could sign with such a key.
  if (bytes.every((byte) => byte === 0)) throw new Error(`${file} is not a token key: it holds nothing but zeros.`);
  return tokenKey(bytes);
}

async function makeKey(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  await writeNewFile(aside, [randomBytes(keyBytes)], 0o600);
  try {
    // A rename would replace the key of a process that was first. A link fails instead, and that process's key counts.
    await link(aside, file);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  } finally {
    await unlink(aside);
  }
  await syncPath(dirname(file));
}

/**
 * Writes a file that does not exist yet. When this resolves, its content survives a power cut. Its name
 * survives one only after {@link syncPath} of its folder. If anything fails, nothing of the file is left.
 *
 * @param parts what the file will hold, one part after the other
 * @param mode permission bits, from which the system takes those of the umask
 * @throws the system's error: `EEXIST` if the file exists, `ENOSPC` on a full disk
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
