import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Environment } from "../../binding.ts";
import { tryParseObject } from "../../json.ts";
import { configFile, editConfig, helperFor, readConfig } from "./config-file.ts";

/** A login at a registry. */
export interface Login {
  /** `host[:port]`, as in image references. */
  readonly host: string;
  readonly username: string;
  readonly password: Secret;
}

/**
 * Stores a login as `docker login` does: in the credential helper that Docker's configuration names for the host, or
 * else in the configuration itself. What others wrote there stays.
 *
 * @returns the configuration file, and the helper that keeps the password if there is one
 * @throws BINDING_CONFIG_INVALID when the configuration or the helper cannot be used; the reason of the signal
 */
export async function storeLogin(
  login: Login,
  env: Environment,
  signal: AbortSignal,
): Promise<{ readonly file: string; readonly helper?: string }> {
  const file = configFile(env);
  const helper = helperFor(await readConfig(file), login.host);
  if (helper !== undefined) await storeInHelper(helper, login, signal);
  const { username, password } = login;
  const auth = Buffer.from(`${username}:${password.reveal()}`).toString("base64");
  // With a helper, the empty entry says that there is a login, and replaces an older password.
  const entry = helper === undefined ? { auth } : {};
  await editConfig(file, (config) => ({ ...config, auths: { ...config.auths, [login.host]: entry } }), signal);
  return helper === undefined ? { file } : { file, helper };
}

/**
 * Gives a login to a credential helper by `docker-credential-{helper} store`, and then asks for it as a client does: some helpers take
 * a login and answer one of their own. The secret goes to the standard input only (protocol of
 * github.com/docker/docker-credential-helpers).
 *
 * @throws BINDING_CONFIG_INVALID when the helper cannot be run, refuses, or does not keep the login
 */
async function storeInHelper(helper: string, { host, username, password }: Login, signal: AbortSignal): Promise<void> {
  const program = `docker-credential-${helper}`;
  const secret = password.reveal();
  const login = { ServerURL: host, Username: username, Secret: secret };
  const stored = await runHelper(program, "store", JSON.stringify(login), signal);
  if (stored.code !== 0) {
    // Helpers report errors on their standard output. It is not repeated if it holds the secret.
    const said = stored.output.includes(secret) ? "" : (stored.output.trim().split("\n")[0] ?? "").slice(0, 200);
    throw helperFailed(`${program} did not store the login${said === "" ? "" : `: ${said}`}.`.replace(/\.\.$/, "."));
  }
  const kept = await runHelper(program, "get", host, signal);
  if (kept.code === 0 && tryParseObject(kept.output)?.Secret === secret) return;
  throw helperFailed(
    `${program} took the login and does not keep it: it answers for ${host} by itself.`,
    undefined,
    "Nothing is to be done where it logs clients in. For this login, take the host out of credHelpers in Docker's config.json.",
  );
}

async function runHelper(program: string, action: string, input: string, signal: AbortSignal) {
  // On Windows npm installs programs as scripts, which only a shell runs. Neither word is more than letters, digits, dots, - and _.
  const shell = process.platform === "win32";
  const child = spawn(program, [action], { stdio: ["pipe", "pipe", "ignore"], signal, shell });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // The helper may end without reading its input. Its exit code says how it went.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const [code, output] = await Promise.all([ended, text(child.stdout)]);
    return { code, output };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw helperFailed(`${program} cannot be run.`, cause);
  }
}

function helperFailed(
  message: string,
  cause?: unknown,
  hint = "Docker's config.json names it under credsStore or credHelpers. Check that it is installed and unlocked.",
): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, { hint, cause });
}
