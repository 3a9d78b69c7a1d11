import { bindingVariable } from "../../core/platform.ts";
import type { Environment } from "../binding.ts";
import type { Account } from "./configuration.ts";

/**
 * The user name that tells Azure's token service that the password is a token (Azure/acr, AAD-OAuth.md): clients that know
 * no bearer log in with it.
 */
export const tokenUser = "00000000-0000-0000-0000-000000000000";

/** What a client logs in with. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** ISO 8601, UTC. Absent for static accounts. */
  readonly expiresAt?: string;
}

/** Whom each service, or the platform of a function, logs in as. Elsewhere it depends on the registry. */
const users: ReadonlyMap<string | undefined, string> = new Map([
  ["ecr", "AWS"],
  ["ecr-public", "AWS"],
  ["aws", "AWS"],
  ["gar", "oauth2accesstoken"],
  ["gcp", "oauth2accesstoken"],
  ["acr", tokenUser],
  ["azure", tokenUser],
  ["local", "token"],
]);

/** @returns undefined where only the registry can tell */
export function usernameOf(account: Account, env: Environment): string | undefined {
  const { service, platform } = bindingOf(account, env);
  return users.get(service === "function" ? platform : service);
}

interface SomeBinding {
  readonly service?: string;
  readonly platform?: string;
}

/** The account's own binding, or that of the environment; unchecked. */
export function bindingOf({ registry, binding }: Account, env: Environment): SomeBinding {
  if (binding) return binding as SomeBinding;
  try {
    return (JSON.parse(env[bindingVariable(registry)] ?? "{}") as SomeBinding | null) ?? {};
  } catch {
    // The client says what is wrong with it.
    return {};
  }
}
