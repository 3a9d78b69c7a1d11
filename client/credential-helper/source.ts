import { isAcrHost } from "../../core/acr-login.ts";
import { race } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { bindingVariable } from "../../core/platform.ts";
import { prover } from "../auth/authenticator.ts";
import type { AwsKeys, Proof } from "../auth/proof.ts";
import { checkBinding, type Environment, readFunctionBinding } from "../binding.ts";
import { type Connection, connect, connectTo, fetchFor } from "../connection.ts";
import { withinLimits } from "../http.ts";
import { tryParseObject } from "../json.ts";
import type { Account } from "./configuration.ts";
import { acrTokenUser, bindingOf, type Login, usernameOf } from "./login.ts";

/** Mints an account's credentials for the caller of this run. */
export interface Source {
  /**
   * Everything that makes other credentials: host, account, function and caller. Undefined when the caller is not
   * known.
   */
  readonly key: object | undefined;
  /**
   * Mints with the proof that the key came from, even if somebody else has logged in since.
   *
   * @throws ArtifactRegistryError
   */
  mint(): Promise<Login>;
}

/**
 * Finds out who calls the function. Where the binding is that of a registry, opens its adapter in this process instead.
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
    // The adapter finds an identity by itself and does not say which.
    return { key: undefined, mint: () => mint(host, account, env, direct) };
  }
  const target = binding ? checkBinding(binding, `${place}.binding`) : readFunctionBinding(registry, env);
  const fetch = await fetchFor(target, env);
  const prove = prover(target, env, fetch);
  // Identity libraries ignore the signal.
  const proof = await withinLimits((signal) => race(prove(signal), signal), {});
  const caller = callerOf(proof);
  return {
    key: caller && { host, account, target, caller },
    mint: () => mint(host, account, env, connectTo(registry, target, proof.authenticate, { fetch })),
  };
}

async function mint(host: string, account: Account, env: Environment, { call }: Connection): Promise<Login> {
  const { registry: _registry, binding: _binding, repository: repoId, ...wish } = account;
  const minted = await call("generateCredentials", { repoId, ...wish });
  const { password, expiresAt } = minted;
  if (typeof minted.username !== "string" || typeof password !== "string") {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The answer holds no credentials.", {
      hint: "Check that the URL is that of the function.",
    });
  }
  const username = minted.authMethod === "basic" ? minted.username : bearerUser(host, account, env);
  return { username, password, ...(expiresAt !== undefined && { expiresAt }) };
}

/**
 * Clients take a user name and a password from a helper, but no bearer token. Only ACR accepts a token in that form.
 */
function bearerUser(host: string, account: Account, env: Environment): string {
  if (usernameOf(account, env) === acrTokenUser || isAcrHost(host)) return acrTokenUser;
  throw new ArtifactRegistryError(
    "OPERATION_NOT_SUPPORTED",
    `${host} takes a bearer token, which no helper can give.`,
    {
      hint: "Bind it with static accounts, or give the client the token: see docs/kubernetes.md.",
    },
  );
}

/**
 * Identifies the caller by what the proof is made from. The value is the same at each run of one caller, and differs
 * from that of every other caller. Issuer and subject are not enough, since access rules may look at any claim: two
 * tokens belong to one caller only if they differ in nothing but the claims that are new in each token.
 *
 * @returns JSON with secrets in it; undefined when the caller cannot be identified
 */
export function callerOf({ secret }: Proof): object | undefined {
  return "token" in secret ? callerOfToken(secret.token) : callerOfKeys(secret.keys);
}

/**
 * Claims that are new in each token: those of RFC 7519, and those that Entra's "Access token claims reference" calls
 * internal.
 */
const perToken: readonly string[] = ["iat", "nbf", "exp", "jti", "uti", "aio", "rh"];

function callerOfToken(token: string): object | undefined {
  const claims = claimsOf(token);
  // Whoever holds an opaque token is its caller. A renewed token makes another caller.
  if (claims === undefined) return { token };
  // An expired token proves nothing. Nobody gets for it what was minted while it was valid.
  if (typeof claims.exp === "number" && claims.exp * 1_000 <= Date.now()) return undefined;
  return { claims: Object.entries(claims).filter(([name]) => !perToken.includes(name)) };
}

/**
 * Reads the claims of a JWT. The function verifies the signature. Here a forged token gains nothing, since whoever can
 * run this helper can read the store too. jose would add 17 KiB to what each run loads, so the token is decoded by
 * hand.
 *
 * @returns undefined for a token that does not name its caller
 */
function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload = "", ...rest] = token.split(".");
  if (rest.length !== 1) return undefined;
  const claims = tryParseObject(Buffer.from(payload, "base64url").toString());
  return typeof claims?.iss === "string" && typeof claims.sub === "string" ? claims : undefined;
}

/** SDK features that open a session for this run only, so that the next run gets other keys. */
const sessionFeatures = [
  "CREDENTIALS_STS_ASSUME_ROLE",
  "CREDENTIALS_STS_ASSUME_ROLE_WEB_ID",
  "CREDENTIALS_SSO",
  "CREDENTIALS_SSO_LEGACY",
];

/** Whoever holds a secret key is its caller, for as long as the key lasts. */
function callerOfKeys({ accessKeyId, secretAccessKey, sessionToken, $source = {} }: AwsKeys): object | undefined {
  if (sessionFeatures.some((step) => step in $source)) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken };
}
