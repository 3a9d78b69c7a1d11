/** Who sent a request, and whether they may do what it asks for. */
import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import { LRUCache } from "lru-cache";
import {
  type Access,
  allows,
  checkToken,
  formatScope,
  isRevoked,
  type Revocation,
  readSignedToken,
  type SignedToken,
  type TokenClaims,
  TokenError,
  type TokenKeys,
} from "../../token/index.ts";
import { OciError } from "../respond.ts";

const cachedTokens = 2_000;

/** Basic credentials always have this user name. Their password is the token. */
export const tokenUser = "token";

/** Whose request it is. `scheme` decides the form of a refusal: see {@link authorize}. */
export interface Caller extends TokenClaims {
  readonly scheme: "basic" | "bearer";
}

/** What the `Authorization` header of a request holds: a caller, nothing, or a credential that is not valid. */
export type Authentication = Caller | "none" | "invalid";

/**
 * Reads the `Authorization` header of a request. What a client sends is never an error.
 *
 * @throws OciError 503 while nobody can tell which credentials were revoked
 */
export type Authenticate = (authorization: string | undefined) => Promise<Authentication>;

/** What the registry believes: its keys, its name as an audience, and what was revoked. */
export interface AuthenticateOptions {
  readonly keys: TokenKeys;
  readonly service: string;
  readonly clock: () => Date;
  /** Answers what is revoked now. Without it, nothing is. */
  readonly revocations?: (() => Promise<readonly Revocation[]>) | undefined;
}

const noRevocations: readonly Revocation[] = [];

/**
 * Makes the function that reads an `Authorization` header. It remembers the tokens whose signatures are right, but checks
 * audience, expiry, key and revocations every time, so that a token that it remembers ends like any other.
 */
export function createAuthenticate({ keys, service, clock, revocations }: AuthenticateOptions): Authenticate {
  const known = new LRUCache<string, KnownToken>({ maxSize: cachedTokens });

  return async (authorization) => {
    if (authorization === undefined) return "none";
    const credential = parseAuthorization(authorization);
    if (credential === undefined) return "invalid";
    const [ring, revoked] = await Promise.all([keys(), revocations?.().catch(closed) ?? noRevocations]);
    try {
      const before = known.get(credential.token);
      const token = before && ring.includes(before.token.key) ? before.token : readSignedToken(ring, credential.token);
      checkToken(token, { audience: service, now: clock() });
      // The list may be long, so it is gone through once for each token, and again only when it has changed.
      const isEnded =
        before?.token === token && before.revoked === revoked ? before.isEnded : isRevoked(revoked, token);
      known.set(credential.token, { token, revoked, isEnded }, { size: 1 });
      return isEnded ? "invalid" : { ...token, scheme: credential.scheme };
    } catch (error) {
      if (error instanceof TokenError) return "invalid";
      throw error;
    }
  };
}

/** A token with the right signature, and whether this list of revocations ends it. */
interface KnownToken {
  readonly token: SignedToken;
  readonly revoked: readonly Revocation[];
  readonly isEnded: boolean;
}

/** Without the list, a credential that was revoked would count again. So none counts until the list can be read. */
function closed(): never {
  const message = "The registry takes no credentials now: it cannot read which ones were revoked. Its log says more.";
  throw new OciError(503, "UNAVAILABLE", message, { "Retry-After": "10" });
}

/** Returns the token in a Bearer or Basic header, or undefined if the header holds none. */
function parseAuthorization(header: string): { scheme: Caller["scheme"]; token: string } | undefined {
  const token = /^bearer +(\S+)$/i.exec(header)?.[1];
  if (token !== undefined) return { scheme: "bearer", token };
  const text = Buffer.from(/^basic +(\S+)$/i.exec(header)?.[1] ?? "", "base64").toString();
  const colon = text.indexOf(":");
  return text.slice(0, colon) === tokenUser ? { scheme: "basic", token: text.slice(colon + 1) } : undefined;
}

/** What a token must allow. `suggested` is what the client should ask the token endpoint for, which may be more. */
export interface Need {
  readonly type: Access["type"];
  readonly name: string;
  readonly action: string;
  readonly suggested: readonly Access[];
  /** A repository that the request would also pull from. Without that right the request is answered in another way. */
  readonly alsoPull?: string | undefined;
}

/** What the registry needs in order to tell a client where its tokens are. */
export interface TokenPlace {
  readonly req: IncomingMessage;
  /** The address at which clients reach the registry, if it is not the one in their request. */
  readonly publicUrl: string | undefined;
  readonly service: string;
}

/**
 * Returns the caller if they may do what the request needs. If it needs nothing, any valid token will do.
 *
 * @throws OciError 401 with the challenge that leads to the right token; 403 for Basic credentials that do not allow enough,
 *   because no exchange could help
 */
export function authorize(authentication: Authentication, need: Need | undefined, place: TokenPlace): Caller {
  const scope = () => formatScope(need?.suggested ?? []);
  if (authentication === "none") throw challenge(place, scope(), undefined, "Authentication is required.");
  if (authentication === "invalid") {
    throw challenge(place, scope(), "invalid_token", "The credential is not valid, or has ended.");
  }
  const missing = need && missingOf(authentication, need);
  if (missing === undefined) return authentication;
  const refusal = `The credential does not allow ${missing}.`;
  // A client exchanges its Basic credentials for a bearer token, which never allows more than they do.
  if (authentication.scheme === "basic") throw new OciError(403, "DENIED", refusal);
  throw challenge(place, scope(), "insufficient_scope", refusal);
}

/** Returns the action that the caller lacks and might get, or undefined if the request can be carried out. */
function missingOf(caller: Caller, { type, name, action, alsoPull }: Need): string | undefined {
  if (!allows(caller.access, type, name, action)) return `${action} on ${name}`;
  // Only a bearer that came by an exchange can be exchanged for a wider one, and only if that was not tried yet.
  const { withheld } = caller;
  if (alsoPull === undefined || withheld === undefined || caller.scheme === "basic") return undefined;
  if (withheld.includes("*") || withheld.includes(alsoPull)) return undefined;
  return allows(caller.access, "repository", alsoPull, "pull") ? undefined : `pull on ${alsoPull}`;
}

/**
 * Returns the 401 with its `Www-Authenticate` header. Its form is that of the distribution project's token authentication,
 * with `error` from RFC 6750.
 */
function challenge(
  { req, publicUrl, service }: TokenPlace,
  scope: string,
  error: "invalid_token" | "insufficient_scope" | undefined,
  message: string,
): OciError {
  const parameters = [
    `realm="${realmOf(req, publicUrl)}"`,
    `service="${service}"`,
    ...(scope === "" ? [] : [`scope="${scope}"`]),
    ...(error === undefined ? [] : [`error="${error}"`]),
  ];
  const code = error === "insufficient_scope" ? "DENIED" : "UNAUTHORIZED";
  return new OciError(401, code, message, { "Www-Authenticate": `Bearer ${parameters.join(",")}` });
}

/** Returns the URL of the token endpoint: under the public address if there is one, else under that of this request. */
function realmOf(req: IncomingMessage, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return `${publicUrl.replace(/\/+$/, "")}/token`;
  const { host } = req.headers;
  // The host becomes part of a quoted string, so only a plain host and port may be repeated.
  const plain = host !== undefined && /^[\w.:[\]-]+$/.test(host);
  return `${"encrypted" in req.socket ? "https" : "http"}://${plain ? host : ownAuthority(req)}/token`;
}

/** Returns the address and port that a request came to, as they stand in a URL. */
function ownAuthority({ socket: { localAddress = "localhost", localPort = 80 } }: IncomingMessage): string {
  return `${isIPv6(localAddress) ? `[${localAddress}]` : localAddress}:${localPort}`;
}
