import { LRUCache } from "lru-cache";
import {
  checkToken,
  readSignedToken,
  type SignedToken,
  type TokenClaims,
  TokenError,
  type TokenKey,
} from "../../token/index.ts";

const cachedTokens = 2_000;

/** The one user name of Basic credentials; the password is the token. */
export const tokenUser = "token";

/** Whose request it is. `scheme` decides how a refusal is put: a bearer can come back with a wider token. */
export interface Caller extends TokenClaims {
  readonly scheme: "basic" | "bearer";
}

/** What a request presents: a caller, nothing, or something that does not count. */
export type Authentication = Caller | "none" | "invalid";

export type Authenticate = (authorization: string | undefined) => Authentication;

/**
 * Makes the function that reads `Authorization`. Only the signature's check is remembered; audience and expiry are
 * looked at every time, so that no token outlives its second because it was used before.
 */
export function createAuthenticate(options: { key: TokenKey; service: string; clock: () => Date }): Authenticate {
  const signed = new LRUCache<string, SignedToken>({ max: cachedTokens });

  return (authorization) => {
    if (authorization === undefined) return "none";
    const credential = parseAuthorization(authorization);
    if (credential === undefined) return "invalid";
    try {
      const token = signed.get(credential.token) ?? readSignedToken(options.key, credential.token);
      signed.set(credential.token, token);
      checkToken(token, { audience: options.service, now: options.clock() });
      return { ...token, scheme: credential.scheme };
    } catch (error) {
      if (error instanceof TokenError) return "invalid";
      throw error;
    }
  };
}

/** The token in a Bearer or Basic header, or undefined where there is none. */
export function parseAuthorization(header: string): { scheme: Caller["scheme"]; token: string } | undefined {
  const [, scheme, value] = /^(\S+) +(\S+)$/.exec(header.trim()) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return { scheme: "bearer", token: value };
  if (scheme.toLowerCase() !== "basic") return undefined;
  const text = Buffer.from(value, "base64").toString();
  const colon = text.indexOf(":");
  return text.slice(0, colon) === tokenUser ? { scheme: "basic", token: text.slice(colon + 1) } : undefined;
}
