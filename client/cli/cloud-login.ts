import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import type { Token } from "../auth/authenticator.ts";
import { invalidBinding } from "../binding.ts";

/** Tokens of the login that a person has at a cloud, by the cloud's own command line. */

/**
 * Has gcloud make an ID token of a service account. A person's own ID token names no account that a function knows.
 *
 * @param impersonate e-mail address of the account; the person needs roles/iam.serviceAccountOpenIdTokenCreator on it
 */
export function gcloudToken(impersonate: string, audience: string): Token {
  return tokenOf("gcloud", "Log in with `gcloud auth login`, and let the person impersonate the account.", [
    "auth",
    "print-identity-token",
    `--impersonate-service-account=${impersonate}`,
    `--audiences=${audience}`,
    "--include-email",
  ]);
}

/** Has az make an Entra token for the function's application. @param audience the application ID URI */
export function azToken(audience: string): Token {
  const scope = `${audience.replace(/\/$/, "")}/.default`;
  return tokenOf("az", "Log in with `az login`. The application must let Azure's command line in.", [
    "account",
    "get-access-token",
    `--scope=${scope}`,
    "--query=accessToken",
    "--output=tsv",
  ]);
}

const timeoutMs = 60_000;

/** It takes the program a second, so that one token serves a whole command. */
function tokenOf(program: string, hint: string, args: readonly string[]): Token {
  // On Windows these programs are scripts, which only a shell runs. A shell would read more into other characters.
  if (!args.every((arg) => /^[\w@.:/=-]+$/.test(arg)))
    throw invalidBinding("The profile's auth", "has a character that no account and no audience has.");
  return once(async () => {
    try {
      const { stdout } = await promisify(execFile)(program, args, {
        shell: process.platform === "win32",
        timeout: timeoutMs,
      });
      return stdout.trim();
    } catch (cause) {
      const absent = (cause as NodeJS.ErrnoException).code === "ENOENT";
      const why = absent ? "is not installed, or not on the PATH" : "gave no token";
      throw new ArtifactRegistryError("AUTHENTICATION_ERROR", `${program} ${why}.`, { hint, cause });
    }
  });
}
