import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Environment } from "../../binding.ts";
import { configFile, editConfig, helperFor, readConfig } from "./config-file.ts";

export interface Login {
  /** `host[:port]`, as image references name the registry. */
  readonly host: string;
  readonly username: string;
  readonly password: Secret;
}

/**
 * Stores a login as `docker login` does: in the credential helper that Docker's configuration names for the host, else
 * in the configuration itself. All that others wrote there stays.
 *
 * @throws BINDING_CONFIG_INVALID when the configuration or the helper cannot be used
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
  // Beside a helper the empty entry tells that there is a login, and takes an older password away.
  const entry = helper === undefined ? { auth } : {};
  await editConfig(file, (config) => ({ ...config, auths: { ...config.auths, [login.host]: entry } }), signal);
  return helper === undefined ? { file } : { file, helper };
}

/**
 * Gives a login to a credential helper: `docker-credential-{helper} store`, the secret on its standard input only
 * (protocol of github.com/docker/docker-credential-helpers).
 *
 * @throws BINDING_CONFIG_INVALID when it cannot be run or refuses
 */
async function storeInHelper(helper: string, login: Login, signal: AbortSignal): Promise<void> {
  const program = `docker-credential-${helper}`;
  const secret = login.password.reveal();
  const child = spawn(program, ["store"], { stdio: ["pipe", "pipe", "ignore"], signal });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // One that ends without reading tells by its exit code.
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify({ ServerURL: login.host, Username: login.username, Secret: secret }));
  try {
    const [code, said] = await Promise.all([ended, text(child.stdout)]);
    if (code === 0) return;
    // What helpers have to say they say on their standard output; it must not be what they were given.
    const why = said.includes(secret) ? "" : (said.trim().split("\n")[0] ?? "").slice(0, 200);
    throw refused(`${program} did not store the login${why === "" ? "" : `: ${why}`}.`.replace(/\.\.$/, "."));
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof ArtifactRegistryError) throw cause;
    throw refused(`${program} cannot be run.`, cause);
  }
}

function refused(message: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, {
    hint: "Docker's config.json names it, under credsStore or credHelpers: see that it is installed and unlocked.",
    cause,
  });
}
