import { createHash, createSecretKey, type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { link, open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, followFile, ifThere, makeFolders, syncPath } from "../files.ts";

const keyBytes = 32;

/** A symmetric key that signs and verifies a registry's tokens. A KeyObject never prints its bytes. */
export interface TokenKey {
  /** Names the key in the header of its tokens (`kid`). It tells nothing about the key. */
  readonly id: string;
  readonly secret: KeyObject;
  /** From then on no token of this key counts. Absent for the key that signs. */
  readonly endsAt?: Date;
}

/** The keys of one registry. The first one signs; tokens of the others count until their keys end. */
export type KeyRing = readonly [TokenKey, ...TokenKey[]];

/** Answers the keys that count now. Somebody may replace them while the process runs. */
export type TokenKeys = () => Promise<KeyRing>;

/** Whether no token of the key counts any more. */
export function hasEnded({ endsAt }: TokenKey, now: Date): boolean {
  return endsAt !== undefined && now.getTime() >= endsAt.getTime();
}

/**
 * Makes a key from 32 bytes.
 *
 * @throws Error if there are more or fewer
 *
 * @example
 * const key = tokenKey(randomBytes(32)); // nobody else can sign with it, and it ends with this process
 */
export function tokenKey(bytes: Uint8Array, endsAt?: Date): TokenKey {
  if (bytes.byteLength !== keyBytes) throw new Error(`A token key has ${keyBytes} bytes, not ${bytes.byteLength}.`);
  const id = createHash("sha256").update("token key id\0").update(bytes).digest("base64url").slice(0, 16);
  return { id, secret: createSecretKey(bytes), ...(endsAt && { endsAt }) };
}

/**
 * Loads the key in `file` that signs. If the file does not exist, it makes one that only its owner can read, and makes it durable
 * before the first token can be signed with it. Processes that start at the same time all get the same key.
 *
 * @param file the path of a key file: 32 bytes, or what {@link rotated} makes
 * @throws the system's error if the file cannot be read or written; Error if it does not hold a key
 *
 * @example
 * const token = mintToken(await loadTokenKey(".data/token.key"), { subject, access, audience, expiresAt });
 */
export async function loadTokenKey(file: string): Promise<TokenKey> {
  return (await loadTokenKeys(file))[0];
}

/** Loads all keys in `file`. Does otherwise what {@link loadTokenKey} does. */
export async function loadTokenKeys(file: string): Promise<KeyRing> {
  const existing = await findTokenKeys(file);
  if (existing !== undefined) return existing;
  for (const folder of await makeFolders(dirname(file))) await syncPath(dirname(folder));
  await makeKey(file);
  return readTokenKeys(file, await readFile(file));
}

/** Loads the keys in `file`, or returns undefined if there is no such file. @throws what {@link loadTokenKeys} throws */
export async function findTokenKeys(file: string): Promise<KeyRing | undefined> {
  const content = await ifThere(readFile(file));
  return content && readTokenKeys(file, content);
}

/**
 * Loads the keys in `file`, and loads them again when somebody has replaced the file. If the file is gone or holds no keys
 * any more, the last good keys stay: what they signed still counts, and nobody else can sign.
 *
 * @param report is called once for each way in which the file became unreadable
 * @returns a function that throws what {@link loadTokenKeys} throws until it has succeeded once. A failure is not kept
 */
export function followTokenKeys(file: string, report: (error: unknown) => void = () => {}): TokenKeys {
  const follow = followFile(file, (content) => content && readTokenKeys(file, content));
  let good: KeyRing | undefined;
  let reported: string | undefined;
  return async () => {
    if (good === undefined) {
      good = await loadTokenKeys(file);
      return good;
    }
    try {
      good = (await follow()) ?? good;
      reported = undefined;
    } catch (error) {
      const message = String(error);
      if (message !== reported) report(error);
      reported = message;
    }
    return good;
  };
}

/**
 * Makes the content of a key file in which a new key signs. The former keys count until they end.
 *
 * @param options.endsAt when the key that signed until now ends
 * @param options.now keys that have ended by then are left out
 */
export function rotated(former: KeyRing, { endsAt, now }: { endsAt: Date; now: Date }): string {
  const kept = former.map((key) => ({ ...key, endsAt: key.endsAt ?? endsAt })).filter((key) => !hasEnded(key, now));
  const secrets = kept.map(({ secret, endsAt }) => ({
    secret: secret.export().toString("base64url"),
    endsAt: endsAt.toISOString(),
  }));
  return `${JSON.stringify({ keys: [{ secret: randomBytes(keyBytes).toString("base64url") }, ...secrets] })}\n`;
}

/** @throws Error if the content holds no keys */
function readTokenKeys(file: string, content: Buffer): KeyRing {
  const refused = (why: string) => new Error(`${file} is not a token key: ${why}.`);
  const checked = (bytes: Buffer, endsAt?: Date) => {
    // A file system may return zeros for a file that it has lost. Everybody could sign with such a key.
    if (bytes.every((byte) => byte === 0)) throw refused("it holds nothing but zeros");
    return tokenKey(bytes, endsAt);
  };
  if (content.byteLength === keyBytes) return [checked(content)];
  const [first, ...others] = keysIn(content) ?? [];
  if (first === undefined || first.endsAt !== undefined || others.some(({ endsAt }) => endsAt === undefined)) {
    throw refused(`it does not hold ${keyBytes} bytes, or a list of keys of which the first one has no end`);
  }
  return [checked(first.bytes), ...others.map(({ bytes, endsAt }) => checked(bytes, endsAt))];
}

/** The keys in a file that {@link rotated} made, or undefined if they are not in its form. */
function keysIn(content: Buffer): { bytes: Buffer; endsAt?: Date }[] | undefined {
  let keys: unknown;
  try {
    ({ keys } = JSON.parse(content.toString()) as { keys?: unknown });
  } catch {
    // No JSON, or `null`: it has no keys.
  }
  if (!Array.isArray(keys)) return undefined;
  const read = keys.map((each) => {
    const { secret, endsAt } = Object(each) as { secret?: unknown; endsAt?: unknown };
    const bytes = Buffer.from(String(secret), "base64url");
    return { bytes, ...(endsAt !== undefined && { endsAt: new Date(String(endsAt)) }) };
  });
  const isKey = ({ bytes, endsAt }: (typeof read)[number]) =>
    bytes.byteLength === keyBytes && !Number.isNaN(endsAt?.getTime());
  return read.every(isKey) ? read : undefined;
}

async function makeKey(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  await writeNewFile(aside, randomBytes(keyBytes));
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
 * Writes a file for its owner only, which must not exist yet. When this resolves, its content survives a power cut. Its name
 * survives one only after {@link syncPath} of its folder. If anything fails, nothing of the file is left.
 */
async function writeNewFile(file: string, content: Uint8Array): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    try {
      await handle.writeFile(content);
      await handle.sync();
      const { size } = await handle.stat();
      if (size !== content.byteLength) throw new Error(`${file} holds ${size} bytes of ${content.byteLength}.`);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await unlink(file).catch(() => undefined);
    throw error;
  }
}
