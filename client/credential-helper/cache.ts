import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Login } from "./login.ts";
import type { Store } from "./store.ts";

/** A place for the credentials of one caller, between two runs of the helper. */
export interface Slot {
  /** @returns undefined unless at least half of the lifetime is left */
  get(): Promise<Login | undefined>;
  /** Does not keep a login that tells no end. Also removes every entry of ours that has ended, whoever it belonged to. */
  set(login: Login): Promise<void>;
}

interface Entry {
  readonly login: Login;
  /** ISO 8601, by this machine's clock. */
  readonly mintedAt: string;
}

/** Every name of ours begins with it. A URL, since that is what the stores take. */
const ours = "https://docker-credential-alien.invalid/";
const saltName = `${ours}salt`;
const saltBytes = 32;

/**
 * The slot for credentials of one kind and one caller. Names of entries can be seen, and there are secrets among the
 * parts: the name is a hash of the parts with a salt, which the store keeps as a secret. Without the salt nobody can try
 * out what a name was made from.
 *
 * @param parts everything that makes another credential, who calls included; JSON
 * @throws ProtocolError where the store fails
 */
export async function slotFor(store: Store, host: string, parts: object): Promise<Slot> {
  const salt = await saltOf(store);
  const name = `${namesOf(host)}${createHmac("sha256", salt).update(JSON.stringify(parts)).digest("hex")}`;
  return {
    async get() {
      const entry = entryOf(await store.get(name));
      return entry && isFresh(entry) ? entry.login : undefined;
    },
    async set(login) {
      const end = Date.parse(login.expiresAt ?? "");
      if (Number.isNaN(end)) return;
      const now = new Date();
      for (const [each, label] of Object.entries(await store.list())) {
        // Earlier versions wrote no end there: what they kept is not found any more, and goes too.
        const lasts = each === saltName || Date.parse(label) > now.getTime();
        if (each === name || (each.startsWith(ours) && !lasts)) await store.erase(each);
      }
      const entry: Entry = { login, mintedAt: now.toISOString() };
      await store.set(name, new Date(end).toISOString(), JSON.stringify(entry));
    },
  };
}

/** Removes what is kept for a host, of every account and every caller: nobody needs to be asked who calls. */
export async function forget(store: Store, host: string): Promise<void> {
  const names = Object.keys(await store.list()).filter((name) => name.startsWith(namesOf(host)));
  for (const name of names) await store.erase(name);
}

/** What the names of a host's entries begin with. The host is no secret; it is hashed since not every URL can hold it. */
function namesOf(host: string): string {
  return `${ours}${createHash("sha256").update(host).digest("hex").slice(0, 16)}.`;
}

/**
 * The salt, which is made at the first use. Two first runs at the same time make two, and the last one stays; what was
 * kept under the other is minted again.
 */
async function saltOf(store: Store): Promise<Buffer> {
  const kept = Buffer.from((await store.get(saltName)) ?? "", "base64url");
  if (kept.length === saltBytes) return kept;
  const salt = randomBytes(saltBytes);
  await store.set(saltName, "salt", salt.toString("base64url"));
  return salt;
}

/** @returns undefined for what is no entry: the parser's error would repeat a part of it */
function entryOf(secret: string | undefined): Entry | undefined {
  try {
    return JSON.parse(secret ?? "") as Entry;
  } catch {
    return undefined;
  }
}

/** A pull of large layers may last: what is handed out has half of its lifetime left, as with Amazon's own helper. */
function isFresh(entry: Entry): boolean {
  const [from, to] = [Date.parse(entry.mintedAt), Date.parse(entry.login?.expiresAt ?? "")];
  return Date.now() >= from && Date.now() < to - (to - from) / 2;
}
