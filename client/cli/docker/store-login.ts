import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Environment } from "../../binding.ts";
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
 * Gives a login to a credential helper by `docker-credential-{helper} store`. The secret goes to its standard input
 * only (protocol of github.com/docker/docker-credential-helpers).
 *
 * @throws BINDING_CONFIG_INVALID when the helper cannot be run or refuses
 */
async function storeInHelper(helper: string, login: Login, signal: AbortSignal): Promise<void> {
  const program = `docker-credential-${helper}`;
  const secret = login.password.reveal();
  const child = spawn(program, ["store"], { stdio: ["pipe", "pipe", "ignore"], signal });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // The helper may end without reading its input. Its exit code says how it went.
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify({ ServerURL: login.host, Username: login.username, Secret: secret }));
  try {
    const [code, answer] = await Promise.all([ended, text(child.stdout)]);
    if (code === 0) return;
    // Helpers report errors on their standard output. It is not repeated if it holds the secret.
    const why = answer.includes(secret) ? "" : (answer.trim().split("\n")[0] ?? "").slice(0, 200);
    throw helperFailed(`${program} did not store the login${why === "" ? "" : `: ${why}`}.`.replace(/\.\.$/, "."));
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof ArtifactRegistryError) throw cause;
    throw helperFailed(`${program} cannot be run.`, cause);
  }
}

function helperFailed(message: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, {
    hint: "Docker's config.json names it under credsStore or credHelpers. Check that it is installed and unlocked.",
    cause,
  });
}
