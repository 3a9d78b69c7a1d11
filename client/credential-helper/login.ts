import { ArtifactRegistryError } from "../../core/errors.ts";
import { bindingVariable } from "../../core/platform.ts";
import { checkBinding, type Environment } from "../binding.ts";
import { tokenUser } from "../token-user.ts";
import type { Account } from "./configuration.ts";

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

/**
 * Mints through the registry's function; or, where the registry's own binding is given, through its adapter in this process.
 *
 * @param place names the account in errors
 * @throws ArtifactRegistryError
 */
export async function mint(host: string, account: Account, env: Environment, place: string): Promise<Login> {
  const { registry, repository: repoId, permissions, ttlSeconds, binding } = account;
  const { service = "function" } = bindingOf(account, env);
  if (binding && service === "function") checkBinding(binding, `${place}.binding`);
  const { connect } = await import("../connection.ts");
  const { call } = await connect(registry, {
    env: binding ? { ...env, [bindingVariable(registry)]: JSON.stringify(binding) } : env,
    mode: service === "function" ? "function" : "direct",
  });
  const minted = await call("generateCredentials", { repoId, permissions, ttlSeconds });
  const { password, expiresAt } = minted;
  if (typeof minted.username !== "string" || typeof password !== "string") {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The function's answer holds no credentials.", {
      hint: "See that the URL is the function's.",
    });
  }
  const username = minted.authMethod === "basic" ? minted.username : bearerUser(host, account, env);
  return { username, password, ...(expiresAt !== undefined && { expiresAt }) };
}

/** Clients take a user name and a password from a helper, never a bearer: ACR alone has a way to give it as these. */
function bearerUser(host: string, account: Account, env: Environment): string {
  if (usernameOf(account, env) === tokenUser || /\.azurecr\.[a-z]+$/.test(host)) return tokenUser;
  throw new ArtifactRegistryError(
    "OPERATION_NOT_SUPPORTED",
    `${host} takes a bearer token, which no helper can give.`,
    {
      hint: "Bind the registry with static accounts, or give the token to the client: see docs/kubernetes.md.",
    },
  );
}

interface SomeBinding {
  readonly service?: string;
  readonly platform?: string;
}

function bindingOf({ registry, binding }: Account, env: Environment): SomeBinding {
  if (binding) return binding as SomeBinding;
  try {
    return (JSON.parse(env[bindingVariable(registry)] ?? "{}") as SomeBinding | null) ?? {};
  } catch {
    // The client says what is wrong with it.
    return {};
  }
}
