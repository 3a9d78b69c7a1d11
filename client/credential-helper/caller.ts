import type { AwsKeys, Proof } from "../auth/request.ts";
import { parsed } from "../json.ts";

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
