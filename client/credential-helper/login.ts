import { acrTokenUser } from "../../core/acr-login.ts";
import { bindingVariable } from "../../core/platform.ts";
import type { Environment } from "../binding.ts";
import { tryParseObject } from "../json.ts";
import type { Account } from "./configuration.ts";

// The helper loads it with everything else about logins, and not as a file of its own.
export { acrTokenUser };

/** What an image client logs in with. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** ISO 8601, UTC. Absent for static accounts. */
  readonly expiresAt?: string;
}

/** User names by service, or by the platform of a function. For any other the user name depends on the registry. */
const usernames: ReadonlyMap<string | undefined, string> = new Map([
  ["ecr", "AWS"],
  ["ecr-public", "AWS"],
  ["aws", "AWS"],
  ["gar", "oauth2accesstoken"],
  ["gcp", "oauth2accesstoken"],
  ["acr", acrTokenUser],
  ["azure", acrTokenUser],
  ["local", "token"],
]);

/** Names the user that an account logs in as. @returns undefined when only the registry knows */
export function usernameOf(account: Account, env: Environment): string | undefined {
  const { service, platform } = bindingOf(account, env);
  return usernames.get(service === "function" ? platform : service);
}

interface SomeBinding {
  readonly service?: string;
  readonly platform?: string;
}

/**
 * Reads the account's own binding, or else that of the environment. It checks nothing, since the client says what is
 * wrong with a binding.
 */
export function bindingOf({ registry, binding }: Account, env: Environment): SomeBinding {
  return binding ?? tryParseObject(env[bindingVariable(registry)]) ?? {};
}
