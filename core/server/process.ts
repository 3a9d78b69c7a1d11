/** How a process of ours reads its settings, says why it could not start, and stops. */
import { ArtifactRegistryError } from "../errors.ts";
import type { Environment } from "../platform.ts";

/**
 * Reads a port number from a variable; 0 asks the system for a free port.
 *
 * @param standard the port if the variable is not set, or empty
 * @throws BINDING_CONFIG_INVALID, which names the variable
 */
export function readPort(env: Environment, variable: string, standard: number): number {
  const text = env[variable];
  if (text === undefined || text === "") return standard;
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number;
  throw settingRefused(`${variable} must be a port number, not "${text}".`);
}

/**
 * Reads a whole number of seconds from a variable.
 *
 * @param standard the seconds if the variable is not set, or empty
 * @throws BINDING_CONFIG_INVALID, which names the variable
 */
export function readSeconds(env: Environment, variable: string, standard: number, range: Range): number {
  return readWhole(env, variable, standard, range, " of seconds");
}

/** The least and the most that a setting may be. */
interface Range {
  readonly min: number;
  readonly max: number;
}

/** Does what `readSeconds` does, for a number of something else. */
export function readWhole(
  env: Environment,
  variable: string,
  standard: number,
  { min, max }: Range,
  unit = "",
): number {
  const text = env[variable];
  if (text === undefined || text === "") return standard;
  const number = Number(text);
  if (/^\d{1,7}$/.test(text) && number >= min && number <= max) return number;
  throw settingRefused(`${variable} must be a whole number${unit} from ${min} to ${max}, not "${text}".`, undefined, {
    variable,
  });
}

/**
 * Refuses a door that relies on a platform in front of the server to authenticate callers. There is no such platform, so
 * everybody who reaches the port would be let in.
 *
 * @param hint how callers prove who they are here
 * @throws BINDING_CONFIG_INVALID for any `ALIEN_DOOR` but `oidc`; the variable may be unset
 */
export function requireOwnDoor({ ALIEN_DOOR: door }: Environment, hint: string): void {
  if (door === undefined || door === "oidc") return;
  throw settingRefused("ALIEN_DOOR must be oidc, or unset: nothing in front of this server vouches for callers.", hint);
}

/**
 * The error for a setting that cannot be used.
 *
 * @param message a sentence that names the variable
 * @param hint what the operator can do
 * @param context what programs may want to know, as the variable's name
 */
export function settingRefused(
  message: string,
  hint?: string,
  context?: Readonly<Record<string, string>>,
): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, { hint, context });
}

/**
 * Ends the process on SIGTERM or SIGINT. The first signal lets the server finish; a second one ends the process at once.
 *
 * @param stop finishes the requests in flight, and answers the exit code
 */
export function stopOnSignals(stop: (signal: string) => Promise<number>): void {
  let stopping = false;
  const onSignal = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    stop(signal).then(
      (code) => process.exit(code),
      () => process.exit(1),
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, onSignal);
}

/**
 * Explains why a server did not start, in one line that says what is wrong and what to do.
 *
 * @param error what the start threw
 * @param portHint how the operator chooses another port
 */
export function explainStart(error: unknown, portHint: string): string {
  if (error instanceof ArtifactRegistryError) return [error.message, error.hint].filter(Boolean).join(" ");
  const { code, syscall, port, address, message } = error as NodeJS.ErrnoException & {
    port?: number;
    address?: string;
  };
  if (code === "EADDRINUSE" && port !== undefined) return `Port ${port} on ${address} is in use. ${portHint}`;
  if (code === "EACCES" && syscall === "listen") return `Port ${port} may not be opened by this user.`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `HOST is not an address of this machine: ${message}.`;
  return message;
}
