import { createRequire } from "node:module";
import type { Environment } from "../binding.ts";
import { eraseHost, type Slot, slotFor } from "./cache.ts";
import { accountOf, readConfiguration } from "./configuration.ts";
import { type Login, usernameOf } from "./login.ts";
import { type Helper, notFound, ProtocolError } from "./protocol.ts";
import { systemStore } from "./store.ts";

/**
 * Makes the helper for an environment, which names its configuration. Each `get` mints credentials, or answers those
 * that the operating system's store has kept. Nothing else is stored anywhere.
 *
 * @param warn is called with a line for the user when the answer is good but something went wrong
 */
export function credentialHelper(env: Environment, warn: (line: string) => void): Helper {
  return {
    async get(serverUrl) {
      const configuration = readConfiguration(env);
      const [place, account] = accountOf(configuration, serverUrl) ?? notConfigured();
      const host = hostIn(place);
      // Loaded here, since `store`, `erase` and `list` make no call.
      const { openSource } = await import("./source.ts");
      const where = `${configuration.file}: registries["${place}"]`;
      const { key, mint } = await openSource(host, account, env, where);
      const { cache } = configuration;
      if (cache === undefined || key === undefined) return mint();
      return cached(() => slotFor(systemStore(cache, env), host, key), mint, warn);
    },
    async store(serverUrl, username) {
      const [place, account] = accountOf(readConfiguration(env), serverUrl) ?? [];
      // `docker login` gives back what it got from here. There is nothing to keep, and nothing is lost.
      if (account !== undefined && username === usernameOf(account, env)) return;
      throw new ProtocolError(
        place === undefined
          ? "docker-credential-alien stores nothing: it answers only for the hosts of its configuration"
          : `docker-credential-alien stores nothing: it mints the credentials of ${place} itself`,
      );
    },
    async erase(serverUrl) {
      const configuration = readConfiguration(env);
      const [place] = accountOf(configuration, serverUrl) ?? [];
      if (place === undefined || configuration.cache === undefined) return;
      await eraseHost(systemStore(configuration.cache, env), hostIn(place));
    },
    async list() {
      const { accounts } = readConfiguration(env);
      return Object.fromEntries([...accounts].map(([host, account]) => [host, usernameOf(account, env) ?? ""]));
    },
    async version() {
      const manifest = createRequire(import.meta.url)("artifact-registry-functions/package.json");
      const { name, version } = manifest as { name: string; version: string };
      return `(${name}) ${version}`;
    },
  };
}

/** The host of a place. Clients' logins, and what is kept, belong to hosts. */
const hostIn = (place: string): string => place.replace(/\/.*/, "");

function notConfigured(): never {
  throw new ProtocolError(notFound);
}

/** When the store fails, credentials are minted anew: the login itself does not fail. */
async function cached(
  open: () => Promise<Slot>,
  mint: () => Promise<Login>,
  warn: (line: string) => void,
): Promise<Login> {
  const warnOf = (error: unknown) => {
    const why = error instanceof ProtocolError ? error.message : "it failed";
    warn(`docker-credential-alien: the cache cannot be used: ${why}`);
  };
  let slot: Slot | undefined;
  try {
    slot = await open();
    const kept = await slot.get();
    if (kept !== undefined) return kept;
  } catch (error) {
    warnOf(error);
    return mint();
  }
  const login = await mint();
  await slot.set(login).catch(warnOf);
  return login;
}
