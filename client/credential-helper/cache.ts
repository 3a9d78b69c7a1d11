import { createHash, createHmac, randomBytes } from "node:crypto";
import { tryParseObject } from "../json.ts";
import type { Login } from "./login.ts";
import type { Store } from "./store.ts";

/** Where the credentials of one caller are kept between two runs of the helper. */
export interface Slot {
  /** @returns the login, or undefined unless at least half of its lifetime is left */
  get(): Promise<Login | undefined>;
  /** Keeps a login that says when it ends. Also removes every entry of ours that has ended, whoever it belonged to. */
  set(login: Login): Promise<void>;
}

interface Entry {
  readonly login: Login;
  /** ISO 8601, by this machine's clock. */
  readonly mintedAt: string;
}

/** The name of every entry of ours begins with this. It is a URL, since that is what the stores take. */
const namePrefix = "https://docker-credential-alien.invalid/";
const saltName = `${namePrefix}salt`;
const saltBytes = 32;

/**
 * Opens the slot for credentials of one kind and one caller. Other programs can see the names of entries, and some
 * parts are secret. So the name is a hash of the parts with a salt, which the store keeps as a secret: without the salt
 * nobody can guess what a name was made from.
 *
 * @param parts everything that makes other credentials, the caller included; JSON
 * @throws ProtocolError when the store fails
 */
export async function slotFor(store: Store, host: string, parts: object): Promise<Slot> {
  const salt = await saltOf(store);
  const name = `${hostPrefix(host)}${createHmac("sha256", salt).update(JSON.stringify(parts)).digest("hex")}`;
  return {
    async get() {
      const entry = tryParseObject(await store.get(name)) as Entry | undefined;
      return entry && isFresh(entry) ? entry.login : undefined;
    },
    async set(login) {
      const end = Date.parse(login.expiresAt ?? "");
      if (Number.isNaN(end)) return;
      const now = new Date();
      for (const [each, label] of Object.entries(await store.list())) {
        // Earlier versions did not write the end there. Their entries are not found any more, so they go too.
        const isValid = each === saltName || Date.parse(label) > now.getTime();
        if (each === name || (each.startsWith(namePrefix) && !isValid)) await store.erase(each);
      }
      const entry: Entry = { login, mintedAt: now.toISOString() };
      await store.set(name, new Date(end).toISOString(), JSON.stringify(entry));
    },
  };
}

/** Removes what is kept for a host, whatever the account and whoever the caller. So it need not know who calls. */
export async function eraseHost(store: Store, host: string): Promise<void> {
  const names = Object.keys(await store.list()).filter((name) => name.startsWith(hostPrefix(host)));
  for (const name of names) await store.erase(name);
}

/**
 * The beginning of the names of a host's entries. The host is not secret; it is hashed since not every URL can hold it.
 */
function hostPrefix(host: string): string {
  return `${namePrefix}${createHash("sha256").update(host).digest("hex").slice(0, 16)}.`;
}

/**
 * Reads the salt, or makes it at the first use. Two first runs at the same time make two salts, of which the last one
 * stays; what was kept under the other is minted again.
 */
async function saltOf(store: Store): Promise<Buffer> {
  const kept = Buffer.from((await store.get(saltName)) ?? "", "base64url");
  if (kept.length === saltBytes) return kept;
  const salt = randomBytes(saltBytes);
  await store.set(saltName, "salt", salt.toString("base64url"));
  return salt;
}

/**
 * A pull of large layers may take long. So what is handed out has half of its lifetime left, as with Amazon's own
 * helper.
 */
function isFresh(entry: Entry): boolean {
  const [from, to] = [Date.parse(entry.mintedAt), Date.parse(entry.login?.expiresAt ?? "")];
  return Date.now() >= from && Date.now() < to - (to - from) / 2;
}
