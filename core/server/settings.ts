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

/** What a setting that cannot be used is refused with: one sentence that names the variable. */
export function settingRefused(message: string, hint?: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, hint === undefined ? {} : { hint });
}
