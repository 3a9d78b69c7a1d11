import { ArtifactRegistryError } from "../errors.ts";
import type { Environment } from "../platform.ts";

/** A port number from a variable; 0 asks the system for a free one. @throws BINDING_CONFIG_INVALID naming the variable */
export function readPort(env: Environment, variable: string, standard: number): number {
  const text = env[variable];
  if (text === undefined || text === "") return standard;
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number;
  throw settingRefused(`${variable} must be a port number, not "${text}".`);
}

/** A whole number of seconds from a variable. @throws BINDING_CONFIG_INVALID naming the variable */
export function readSeconds(
  env: Environment,
  variable: string,
  standard: number,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const text = env[variable];
  if (text === undefined || text === "") return standard;
  const number = Number(text);
  if (/^\d{1,7}$/.test(text) && number >= min && number <= max) return number;
  throw settingRefused(`${variable} must be a whole number of seconds from ${min} to ${max}, not "${text}".`);
}

/**
 * Refuses a door at which somebody in front of the server would have to vouch for callers: nobody stands there, so that
 * whoever reaches the port would be let in.
 *
 * @param hint how callers prove who they are here
 * @throws BINDING_CONFIG_INVALID for any `ALIEN_DOOR` but `oidc`; unset is allowed
 */
export function requireOwnDoor({ ALIEN_DOOR: door }: Environment, hint: string): void {
  if (door === undefined || door === "oidc") return;
  throw settingRefused("ALIEN_DOOR must be oidc, or unset: nothing in front of this server vouches for callers.", hint);
}

/** What a setting that cannot be used is refused with: one sentence that names the variable. */
export function settingRefused(message: string, hint?: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, hint === undefined ? {} : { hint });
}
