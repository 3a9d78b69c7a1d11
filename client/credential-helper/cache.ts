import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { bindingVariable } from "../../core/platform.ts";
import type { Environment } from "../binding.ts";
import type { Account, Configuration } from "./configuration.ts";
import type { Login } from "./login.ts";
import { notFound, ProtocolError } from "./protocol.ts";

/** Minted credentials between two runs, in the operating system's own store. */
export interface Cache {
  /** @returns undefined unless at least half of its lifetime is left */
  get(key: string): Promise<Login | undefined>;
  set(key: string, login: Login): Promise<void>;
  erase(key: string): Promise<void>;
}

/** A locked store asks its user, who may not be there. */
const patienceMs = 30_000;

interface Entry {
  readonly login: Login;
  /** ISO 8601, by this machine's clock. */
  readonly mintedAt: string;
}

/**
 * The store behind another helper of the same protocol, `docker-credential-{store}`.
 *
 * @throws ProtocolError, from each method, where that fails; it holds no secret
 */
export function systemStore(store: NonNullable<Configuration["cache"]>, env: Environment): Cache {
  const ask = (action: string, input: string) => runHelper(`docker-credential-${store}`, action, input, env);
  return {
    async get(key) {
      const kept = entryOf(await ask("get", key));
      return kept && isFresh(kept) ? kept.login : undefined;
    },
    async set(key, login) {
      const entry: Entry = { login, mintedAt: new Date().toISOString() };
      await ask("store", JSON.stringify({ ServerURL: key, Username: login.username, Secret: JSON.stringify(entry) }));
    },
    async erase(key) {
      await ask("erase", key);
    },
  };
}

/** @returns undefined for what is none: the parser's error would repeat a part of it */
function entryOf(answer: string | undefined): Entry | undefined {
  try {
    const { Secret } = JSON.parse(answer ?? "{}") as { Secret: string };
    return JSON.parse(Secret) as Entry;
  } catch {
    return undefined;
  }
}

/** A pull of large layers may last: what is handed out has half of its lifetime left, as Amazon's own helper has it. */
function isFresh({ login, mintedAt }: Entry): boolean {
  const [from, to] = [Date.parse(mintedAt), Date.parse(login.expiresAt ?? "")];
  return Date.now() >= from && Date.now() < to - (to - from) / 2;
}

/** Variables that make another caller of the same user. None is a secret: names of entries may be seen, and guessed at. */
const identities = [
  "ALIEN_TOKEN_FILE",
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_ROLE_ARN",
  "AZURE_CLIENT_ID",
  "AZURE_TENANT_ID",
  "GITHUB_RUN_ID",
  "GOOGLE_APPLICATION_CREDENTIALS",
];

/**
 * The name under which an account's credentials are kept. Whatever gives other credentials gives another name: the host,
 * the account, the function, and who calls it. A URL, since that is what the stores take.
 */
export function cacheKey(host: string, account: Account, env: Environment): string {
  const variables = [bindingVariable(account.registry), ...identities].map((name) => env[name] ?? null);
  const hash = createHash("sha256")
    .update(JSON.stringify([host, account, variables]))
    .digest("hex");
  return `https://docker-credential-alien.invalid/${hash}`;
}

/** @returns what it answered; undefined where it has nothing under that name */
async function runHelper(
  program: string,
  action: string,
  input: string,
  env: Environment,
): Promise<string | undefined> {
  const child = spawn(program, [action], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"], timeout: patienceMs });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", ({ code }: NodeJS.ErrnoException) =>
      reject(new ProtocolError(`${program} cannot be run: ${code}`)),
    );
    child.once("close", resolve);
  });
  // It may end without reading; its exit code tells.
  child.stdin.once("error", () => {});
  child.stdin.end(input);
  const [output, code] = await Promise.all([text(child.stdout), exit]);
  if (code !== 0 && output.trim() === notFound) return undefined;
  // What it wrote is not repeated: it may hold what it was given.
  if (code !== 0) throw new ProtocolError(`${program} ${action} ended with ${code}`);
  return output;
}
