import { createHash, createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { hasEnded, type KeyRing, type TokenKey } from "./key.ts";
import type { Access } from "./scope.ts";

/**
 * What a revocation can ask of a credential. It stands in the credential's own token, and in each token that the registry gives
 * out in exchange for that one: such a token ends with the credential.
 */
export interface Credential {
  readonly id: string;
  /** Whole seconds since 1970. */
  readonly issuedAt: number;
  readonly registry: string;
  /** All repositories that the credential opens. */
  readonly repositories: readonly string[];
  readonly permissions: string;
}

/** Who holds a token, what it allows, and until when. */
export interface TokenClaims {
  readonly subject: string;
  readonly access: readonly Access[];
  /** The first moment at which the token no longer works. */
  readonly expiresAt: Date;
  /** The credential that the token is, or was exchanged for. Absent for tokens that cannot be revoked. */
  readonly credential?: Credential;
  /** The id of the token that this one was exchanged for, or its own. All that one credential leads to has the same. */
  readonly root: string;
  /**
   * The repositories of which the client asked to pull in the exchange, and may not; `*` stands for all. Only tokens that the
   * registry gave in exchange have it.
   */
  readonly withheld?: readonly string[];
}

/** A token whose signature and form are right. Its audience and its expiry were not checked yet. */
export interface SignedToken extends TokenClaims {
  readonly audience: string;
  readonly key: TokenKey;
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
  /** The time of issue; the current time by default. */
  readonly now?: Date;
  /** The `jti` claim; a random id by default. */
  readonly id?: string;
  /** What a revocation can ask. Without it, the token counts until it ends. */
  readonly credential?: Credential;
  /** The `root` of the token that is exchanged for this one. */
  readonly root?: string;
  /** What the exchange did not grant. */
  readonly withheld?: readonly string[];
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

/** All that a header may begin with. Comparing it as text pins the algorithm, and nothing has to be parsed. */
const headerStart = '{"alg":"HS256","typ":"JWT"';
/** The header of earlier versions, which named no key. */
const headerWithoutKey = Buffer.from(`${headerStart}}`).toString("base64url");
const keyHeaderStart = Buffer.from(`${headerStart},`).toString("base64url");

function headerOf({ id }: TokenKey): string {
  return Buffer.from(`${headerStart},"kid":"${id}"}`).toString("base64url");
}

/**
 * Signs a token (a JWT, HS256) that allows `subject` exactly this access until `expiresAt`. Every token has its own id,
 * and names its key.
 * A client sends it as a bearer token, or as the password of the user `token`.
 *
 * @example
 * const access = parseScope("repository:team/app:pull");
 * mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: new Date(Date.now() + 300_000) });
 */
export function mintToken(key: TokenKey, options: MintOptions): string {
  const now = options.now ?? new Date();
  // What is undefined is no part of the JSON.
  const payload = {
    sub: options.subject,
    aud: options.audience,
    iat: seconds(now),
    exp: seconds(options.expiresAt),
    jti: options.id ?? randomUUID(),
    root: options.root,
    access: options.access.map(({ type, name, actions }) => ({ type, name, actions })),
    credential: options.credential,
    withheld: options.withheld,
  };
  const signed = `${headerOf(key)}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}`;
  return `${signed}.${sign(key, signed)}`;
}

/**
 * Returns the claims of a token if one of these keys signed it, for this audience, and it has not expired at `now`. There is no
 * leeway: a token that expires at T is refused at T.
 *
 * @throws TokenError
 *
 * @example
 * const { subject, access } = verifyToken(key, token, { audience: "registry", now: new Date() });
 */
export function verifyToken(
  keys: TokenKey | KeyRing,
  token: string,
  options: { audience: string; now: Date },
): TokenClaims {
  const signed = readSignedToken("id" in keys ? [keys] : keys, token);
  checkToken(signed, options);
  const { subject, access, expiresAt, credential, root } = signed;
  return { subject, access, expiresAt, root, ...(credential && { credential }) };
}

/**
 * Checks the signature of a token and reads its claims. The result may be cached, because it does not depend on the time.
 * {@link checkToken} has to follow before every use.
 *
 * @throws TokenError `malformed` or `signature`
 */
export function readSignedToken(keys: KeyRing, token: string): SignedToken {
  const [header = "", payload, signature, ...rest] = token.split(".");
  const named = header.startsWith(keyHeaderStart);
  if (!(named || header === headerWithoutKey) || payload === undefined || signature === undefined || rest.length > 0) {
    throw new TokenError("malformed");
  }
  // The signatures are compared as text: base64url can spell the same bytes in several ways, and only ours is accepted.
  const given = Buffer.from(signature);
  const key = keys
    .filter((each) => !named || headerOf(each) === header)
    .find((each) => {
      const expected = Buffer.from(sign(each, `${header}.${payload}`));
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  if (key === undefined) throw new TokenError("signature");
  return { ...readPayload(payload), key };
}

/**
 * Checks that a token is for this audience, and that neither it nor its key has ended at `now`.
 *
 * @throws TokenError `audience`, `expired`, or `signature` if the key has ended
 */
export function checkToken({ audience, expiresAt, key }: SignedToken, options: { audience: string; now: Date }): void {
  const now = options.now.getTime();
  if (audience !== options.audience) throw new TokenError("audience");
  if (now >= expiresAt.getTime()) throw new TokenError("expired");
  if (hasEnded(key, options.now)) throw new TokenError("signature");
}

function sign(key: TokenKey, text: string): string {
  return createHmac("sha256", key.secret).update(text).digest("base64url");
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function readPayload(payload: string): Omit<SignedToken, "key"> {
  let claims: Record<string, unknown>;
  try {
    claims = Object(JSON.parse(Buffer.from(payload, "base64url").toString()));
  } catch {
    throw new TokenError("malformed");
  }
  const { sub, aud, exp, access, credential, jti, root = jti, withheld } = claims;
  if (typeof sub !== "string" || typeof aud !== "string" || !Number.isSafeInteger(exp) || !isAccessList(access)) {
    throw new TokenError("malformed");
  }
  if (credential !== undefined && !isCredential(credential)) throw new TokenError("malformed");
  return {
    subject: sub,
    audience: aud,
    expiresAt: new Date(Number(exp) * 1000),
    access,
    root: typeof root === "string" ? root : createHash("sha256").update(payload).digest("base64url"),
    ...(credential && { credential }),
    ...(Array.isArray(withheld) && { withheld: withheld.map(String) }),
  };
}

function isCredential(value: unknown): value is Credential {
  const { id, issuedAt, registry, repositories, permissions } = Object(value) as Record<string, unknown>;
  return (
    Number.isSafeInteger(issuedAt) &&
    Array.isArray(repositories) &&
    [id, registry, permissions, ...repositories].every((each) => typeof each === "string")
  );
}

function isAccessList(value: unknown): value is Access[] {
  return Array.isArray(value) && value.every(isAccess);
}

function isAccess(value: unknown): value is Access {
  const { type, name, actions } = Object(value) as Record<string, unknown>;
  return (
    (type === "repository" || type === "registry") &&
    typeof name === "string" &&
    Array.isArray(actions) &&
    actions.every((action) => typeof action === "string")
  );
}
