import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Secret } from "../../../core/secret.ts";

export interface Login {
  /** `host[:port]`, as image references name the registry. */
  readonly host: string;
  readonly username: string;
  readonly password: Secret;
}

/**
 * Gives a login to a credential helper: `docker-credential-{helper} store`, the secret on its standard input only
 * (protocol of github.com/docker/docker-credential-helpers).
 *
 * @throws BINDING_CONFIG_INVALID when it cannot be run or refuses
 */
export async function storeInHelper(helper: string, login: Login, signal: AbortSignal): Promise<void> {
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
