import { createRequire } from "node:module";
import type { Environment } from "../binding.ts";
import { type Cache, cacheKey, systemStore } from "./cache.ts";
import { type Account, type Configuration, readConfiguration } from "./configuration.ts";
import { hostOf } from "./host.ts";
import { type Login, mint, usernameOf } from "./login.ts";
import { type Helper, notFound, ProtocolError } from "./protocol.ts";

/**
 * The helper under a configuration: each `get` mints, or answers what the operating system's store has kept. Nothing
 * else is stored, here or anywhere.
 *
 * @param warn takes a line for the user: the answer was good, but something was wrong
 */
export function credentialHelper(env: Environment, warn: (line: string) => void): Helper {
  return {
    async get(serverUrl) {
      const configuration = readConfiguration(env);
      const [host, account] = accountOf(configuration, serverUrl) ?? notConfigured();
      const place = `${configuration.file}: registries["${host}"]`;
      if (configuration.cache === undefined) return mint(host, account, env, place);
      const cache = systemStore(configuration.cache, env);
      return cached(cache, cacheKey(host, account, env), () => mint(host, account, env, place), warn);
    },
    async store(serverUrl, username) {
      const [host, account] = accountOf(readConfiguration(env), serverUrl) ?? [];
      // `docker login` gives back what it got from here: there is nothing to keep, and nothing is lost.
      if (account !== undefined && username === usernameOf(account, env)) return;
      throw new ProtocolError(
        host === undefined
          ? "docker-credential-alien stores nothing: it answers for the hosts of its configuration only"
          : `docker-credential-alien stores nothing: it mints what ${host} is logged in with`,
      );
    },
    async erase(serverUrl) {
      const configuration = readConfiguration(env);
      const [host, account] = accountOf(configuration, serverUrl) ?? [];
      if (account === undefined || host === undefined || configuration.cache === undefined) return;
      await systemStore(configuration.cache, env).erase(cacheKey(host, account, env));
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

function accountOf({ accounts }: Configuration, serverUrl: string): readonly [string, Account] | undefined {
  const host = hostOf(serverUrl);
  const account = host === undefined ? undefined : accounts.get(host);
  return host === undefined || account === undefined ? undefined : [host, account];
}

function notConfigured(): never {
  throw new ProtocolError(notFound);
}

/** A store that fails costs a mint, not the login. Static accounts tell no end, and are not kept. */
async function cached(
  cache: Cache,
  key: string,
  minted: () => Promise<Login>,
  warn: (line: string) => void,
): Promise<Login> {
  const failed = (error: unknown) => {
    warn(
      `docker-credential-alien: the cache is of no use: ${error instanceof ProtocolError ? error.message : "it failed"}`,
    );
    return undefined;
  };
  const kept = await cache.get(key).catch(failed);
  if (kept !== undefined) return kept;
  const login = await minted();
  if (login.expiresAt !== undefined) await cache.set(key, login).catch(failed);
  return login;
}
