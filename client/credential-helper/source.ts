import { race } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { bindingVariable } from "../../core/platform.ts";
import { prover } from "../auth/authenticator.ts";
import type { AwsKeys, Proof } from "../auth/proof.ts";
import { checkBinding, type Environment, readFunctionBinding } from "../binding.ts";
import { type Connection, connect, connectTo } from "../connection.ts";
import { withinLimits } from "../http.ts";
import { parsed } from "../json.ts";
import type { Account } from "./configuration.ts";
import { bindingOf, type Login, tokenUser, usernameOf } from "./login.ts";

/** Where an account's credentials come from, for the caller of this run. */
export interface Source {
  /** Everything that makes other credentials: host, account, function and caller. Undefined where the caller is not known. */
  readonly key: object | undefined;
  /** Mints with the proof that the key was made from, even if somebody else has logged in since. @throws ArtifactRegistryError */
  mint(): Promise<Login>;
}

/**
 * Finds out who calls the function; or, where the registry's own binding is given, opens its adapter in this process.
 *
 * @param place names the account in errors
 * @throws BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID, AUTHENTICATION_ERROR
 */
export async function openSource(host: string, account: Account, env: Environment, place: string): Promise<Source> {
  const { registry, binding } = account;
  const { service = "function" } = bindingOf(account, env);
  if (service !== "function") {
    const own = binding ? { ...env, [bindingVariable(registry)]: JSON.stringify(binding) } : env;
    const direct = await connect(registry, { env: own, mode: "direct" });
    // The adapter finds an identity by itself, and does not say which.
    return { key: undefined, mint: () => mint(host, account, env, direct) };
  }
  const target = binding ? checkBinding(binding, `${place}.binding`) : readFunctionBinding(registry, env);
  const prove = prover(target, env);
  // Identity libraries heed no signal.
  const proof = await withinLimits((signal) => race(prove(signal), signal), {});
  const caller = callerOf(proof);
  return {
    key: caller && { host, account, target, caller },
    mint: () => mint(host, account, env, connectTo(registry, target, proof.authenticate)),
  };
}

async function mint(host: string, account: Account, env: Environment, { call }: Connection): Promise<Login> {
  const { repository: repoId, permissions, ttlSeconds } = account;
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

/**
 * Who calls, by what the proof is made from: the same value at each run of one caller, and another for another caller.
 * Issuer and subject are not enough, since rules may look at any claim: two tokens belong to one caller only if they
 * differ in nothing but what every token has anew.
 *
 * @returns JSON with secrets in it; undefined where it cannot be told
 */
export function callerOf({ secret }: Proof): object | undefined {
  return "token" in secret ? callerOfToken(secret.token) : callerOfKeys(secret.keys);
}

/** Claims that each token has anew: those of RFC 7519, and what Entra's "Access token claims reference" calls internal. */
const perToken: readonly string[] = ["iat", "nbf", "exp", "jti", "uti", "aio", "rh"];

function callerOfToken(token: string): object | undefined {
  const claims = claimsOf(token);
  // Whoever holds an opaque token is its caller. A renewed one is another.
  if (claims === undefined) return { token };
  // An ended token proves nothing: nobody gets for it what was minted while it was good.
  if (typeof claims.exp === "number" && claims.exp * 1_000 <= Date.now()) return undefined;
  return { claims: Object.entries(claims).filter(([name]) => !perToken.includes(name)) };
}

/**
 * The claims of a JWT. Its signature is the function's to verify: a forged token gains nothing, since whoever can run this
 * helper can read the store too. By hand, since jose adds 17 KiB to what each run loads.
 *
 * @returns undefined for a token that does not name its caller by itself
 */
function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload = "", ...rest] = token.split(".");
  if (rest.length !== 1) return undefined;
  const claims = parsed(Buffer.from(payload, "base64url").toString()) as Record<string, unknown> | null | undefined;
  return typeof claims?.iss === "string" && typeof claims.sub === "string" ? claims : undefined;
}

/** Features by which the SDK says that it opened a session for this run alone: the next run gets other keys. */
const opened = [
  "CREDENTIALS_STS_ASSUME_ROLE",
  "CREDENTIALS_STS_ASSUME_ROLE_WEB_ID",
  "CREDENTIALS_SSO",
  "CREDENTIALS_SSO_LEGACY",
];

/** Whoever holds a secret key is its caller, for as long as the key lasts. */
function callerOfKeys({ accessKeyId, secretAccessKey, sessionToken, $source = {} }: AwsKeys): object | undefined {
  if (opened.some((step) => step in $source)) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken };
}
