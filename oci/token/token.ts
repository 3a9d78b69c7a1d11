import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { TokenKey } from "./key.ts";
import type { Access } from "./scope.ts";

/** Who holds a token, what it allows, and until when. */
export interface TokenClaims {
  readonly subject: string;
  readonly access: readonly Access[];
  /** The first moment at which the token no longer works. */
  readonly expiresAt: Date;
}

/** A token whose signature and form are right. Its audience and its expiry were not checked yet. */
export interface SignedToken extends TokenClaims {
  readonly audience: string;
}

/** What a new token says. */
export interface MintOptions {
  /** Who gets the token, in the `sub` claim. */
  readonly subject: string;
  readonly access: readonly Access[];
  /** The service name of the registry that is to accept the token, in the `aud` claim. */
  readonly audience: string;
  /** It is cut to the whole second, so that a token never lives longer than was asked for. */
  readonly expiresAt: Date;
  /** The `iss` claim. Without it, the token has none. */
  readonly issuer?: string;
  /** The time of issue; the current time by default. */
  readonly now?: Date;
}

/** Why a token was refused: its form, its signature, another registry's audience, or its age. */
export type TokenRefusal = "malformed" | "signature" | "audience" | "expired";

/** A token was refused, and `code` says why. The message never holds the token. */
export class TokenError extends Error {
  readonly code: TokenRefusal;

  constructor(code: TokenRefusal) {
    super(`The token was refused: ${code}.`);
    this.name = "TokenError";
    this.code = code;
  }
}

// No other header is written or accepted. Comparing it as text pins the algorithm, and nothing has to be parsed.
const jwtHeader = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url");

/**
 * Signs a token (a JWT, HS256) that allows `subject` exactly this access until `expiresAt`. Every token has its own id.
 * A client sends it as a bearer token, or as the password of the user `token`.
 *
 * @example
 * const access = parseScope("repository:team/app:pull");
 * mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: new Date(Date.now() + 300_000) });
 */
export function mintToken(key: TokenKey, options: MintOptions): string {
  const now = options.now ?? new Date();
  const payload = {
    ...(options.issuer === undefined ? {} : { iss: options.issuer }),
    sub: options.subject,
    aud: options.audience,
    iat: seconds(now),
    exp: seconds(options.expiresAt),
    jti: randomUUID(),
    access: options.access.map(({ type, name, actions }) => ({ type, name, actions })),
  };
  const signed = `${jwtHeader}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}`;
  return `${signed}.${sign(key, signed)}`;
}

/**
 * Returns the claims of a token if this key signed it, for this audience, and it has not expired at `now`. There is no
 * leeway: a token that expires at T is refused at T.
 *
 * @throws TokenError
 *
 * @example
 * const { subject, access } = verifyToken(key, token, { audience: "registry", now: new Date() });
 */
export function verifyToken(key: TokenKey, token: string, options: { audience: string; now: Date }): TokenClaims {
  const signed = readSignedToken(key, token);
  checkToken(signed, options);
  return { subject: signed.subject, access: signed.access, expiresAt: signed.expiresAt };
}

/**
 * Checks the signature of a token and reads its claims. The result may be cached, because it does not depend on the time.
 * {@link checkToken} has to follow before every use.
 *
 * @throws TokenError `malformed` or `signature`
 */
export function readSignedToken(key: TokenKey, token: string): SignedToken {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header !== jwtHeader || payload === undefined || signature === undefined || rest.length > 0) {
    throw new TokenError("malformed");
  }
  // The signatures are compared as text: base64url can spell the same bytes in several ways, and only ours is accepted.
  const expected = Buffer.from(sign(key, `${header}.${payload}`));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new TokenError("signature");
  return readPayload(payload);
}

/** Checks that a token is for this audience and has not expired at `now`. @throws TokenError `audience` or `expired` */
export function checkToken(token: SignedToken, options: { audience: string; now: Date }): void {
  if (token.audience !== options.audience) throw new TokenError("audience");
  if (options.now.getTime() >= token.expiresAt.getTime()) throw new TokenError("expired");
}

function sign(key: TokenKey, text: string): string {
  return createHmac("sha256", key.secret).update(text).digest("base64url");
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function readPayload(payload: string): SignedToken {
  let claims: Record<string, unknown>;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  } catch {
    throw new TokenError("malformed");
  }
  const { sub, aud, exp, access } = claims;
  if (typeof sub !== "string" || typeof aud !== "string" || !Number.isSafeInteger(exp) || !isAccessList(access)) {
    throw new TokenError("malformed");
  }
  return { subject: sub, audience: aud, expiresAt: new Date(Number(exp) * 1000), access };
}

function isAccessList(value: unknown): value is Access[] {
  return Array.isArray(value) && value.every(isAccess);
}

function isAccess(value: unknown): value is Access {
  if (typeof value !== "object" || value === null) return false;
  const { type, name, actions } = value as Record<string, unknown>;
  return (
    (type === "repository" || type === "registry") &&
    typeof name === "string" &&
    Array.isArray(actions) &&
    actions.every((action) => typeof action === "string")
  );
}
