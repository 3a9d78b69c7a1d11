import { createRemoteJWKSet, customFetch, type FetchImplementation, jwtVerify } from "jose";
import * as errors from "jose/errors";
import * as v from "valibot";
import type { Claimed, TokenReason } from "./audit.ts";
import type { AuthenticatedCaller } from "./caller.ts";
import { Unauthenticated } from "./doors.ts";
import { ArtifactRegistryError } from "./errors.ts";
import { createHttpClient } from "./http-client.ts";
import { issuerUrl, type OidcIssuer, parseIssuers } from "./oidc-issuers.ts";
import { once } from "./once.ts";
import { validate } from "./operation.ts";
import type { Environment } from "./platform.ts";
import { decodeClaims } from "./token-claims.ts";

export interface OidcOptions {
  readonly now?: () => Date;
  /** Seconds by which the issuer's clock may differ from ours. Default 60. */
  readonly clockSkewSeconds?: number;
  /** Milliseconds between two looks for new keys. Default 1,000: we find rotated keys and do not flood an issuer. */
  readonly cooldownMs?: number;
  /** Milliseconds for one request to an issuer. Default 5,000. */
  readonly timeoutMs?: number;
  /** Used for issuers without a CA or a token of their own. Default: our own HTTP client. */
  readonly fetch?: FetchImplementation;
  /** Where the proxies are read from. */
  readonly env?: Environment;
}

/** Tells who sent a token, once its issuer vouches for it. */
export interface OidcVerifier {
  (token: string): Promise<AuthenticatedCaller>;
  /**
   * Asks every issuer for its keys. One answer is enough: an issuer that is down must not shut out the others' callers.
   *
   * @returns what went wrong with each issuer that could not be asked
   * @throws SERVICE_UNAVAILABLE while no issuer answers with its keys
   */
  ready(): Promise<readonly ArtifactRegistryError[]>;
  /** The issuers whose tokens count. */
  readonly issuers: readonly string[];
}

// No symmetric algorithm and no "none": a verifier must not be able to sign.
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/**
 * Verifies tokens of several issuers: signature, issuer, audience and time (OpenID Connect Core 1.0, 3.1.3.7). The
 * caller is the pair of the verified issuer and its subject.
 *
 * @returns a function that throws AUTHENTICATION_ERROR for a token that does not count, and SERVICE_UNAVAILABLE
 *   while the issuer does not answer with its keys: an unreachable issuer never opens the door
 */
export function createOidcVerifier(issuers: readonly OidcIssuer[], options: OidcOptions = {}): OidcVerifier {
  const { now = () => new Date(), clockSkewSeconds = 60 } = options;
  const trusted = new Map(issuers.map((each) => [each.issuer, { ...each, keys: keysOf(each, options) }]));
  const verify = async (token: string): Promise<AuthenticatedCaller> => {
    const claims = decodeClaims(token);
    const claimed = claims && claimedBy(claims);
    const refused = (reason: TokenReason, message: string, cause?: unknown) =>
      new Unauthenticated(reason, message, {
        hint: "Send a token of a configured issuer, for the configured audience, as Authorization: Bearer <token>.",
        claimed,
        cause,
      });
    // What the token says unverified only decides whose keys verify it.
    const issuer = typeof claims?.iss === "string" ? trusted.get(claims.iss) : undefined;
    if (!issuer) {
      const reason = claims === undefined ? "TOKEN_MALFORMED" : "TOKEN_ISSUER_UNKNOWN";
      throw refused(reason, "The token's issuer is not trusted.");
    }
    const keys = await issuer.keys();
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms,
        clockTolerance: clockSkewSeconds,
        currentDate: now(),
        requiredClaims: ["exp", "sub"],
      });
      const { sub, exp = 0, iat } = payload;
      if (typeof sub !== "string" || sub === "") throw refused("TOKEN_CLAIM", "The token has no subject.");
      const { maxTokenSeconds = defaultTokenSeconds } = issuer;
      const nowSeconds = now().getTime() / 1_000;
      if (exp - Math.min(iat ?? nowSeconds, nowSeconds) > maxTokenSeconds + clockSkewSeconds) {
        throw refused("TOKEN_LIVES_TOO_LONG", `The token lives longer than ${maxTokenSeconds} seconds.`);
      }
      return { issuer: issuer.issuer, subject: sub, claims: payload };
    } catch (error) {
      const refusal = refusalOf(error);
      throw refusal ? refused(...refusal, error) : translate(error, issuer.issuer);
    }
  };
  const ready = async () => {
    const all = [...trusted.values()];
    const asked = await Promise.allSettled(all.map(fetchKeys));
    const failed = asked.flatMap((each) => (each.status === "rejected" ? [each.reason as ArtifactRegistryError] : []));
    const [first] = failed;
    if (first && failed.length === all.length) throw first;
    return failed;
  };
  return Object.assign(verify, { ready, issuers: [...trusted.keys()] });
}

/** Verifies tokens of the issuers in `ALIEN_OIDC_ISSUERS`. @throws BINDING_CONFIG_INVALID */
export function oidcVerifier(env: Environment): OidcVerifier {
  return createOidcVerifier(parseIssuers(env.ALIEN_OIDC_ISSUERS ?? ""), { env });
}

/** Fetches the keys before the first token arrives. @throws SERVICE_UNAVAILABLE */
async function fetchKeys({ issuer, keys }: { issuer: string; keys: () => Promise<KeySet> }): Promise<void> {
  const set = await keys();
  try {
    if (!set.fresh) await set.reload();
  } catch (error) {
    throw translate(error, issuer);
  }
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/** Seconds from `iat` to `exp` that a token may live where its issuer's entry says nothing. */
const defaultTokenSeconds = 24 * 60 * 60;

/** What an unverified token says of itself, cut to a length that a log can bear. */
function claimedBy({ iss, sub, aud, exp }: Record<string, unknown>): Claimed {
  const brief = (value: unknown) => (typeof value === "string" ? value.slice(0, 256) : undefined);
  const [issuer, subject] = [brief(iss), brief(sub)];
  const audience = (Array.isArray(aud) ? aud.slice(0, 5) : [aud]).map(brief).filter((each) => each !== undefined);
  const end = typeof exp === "number" ? new Date(exp * 1_000) : undefined;
  return {
    ...(issuer !== undefined && { issuer }),
    ...(subject !== undefined && { subject }),
    ...(audience.length > 0 && { audience }),
    ...(end && !Number.isNaN(end.getTime()) && { expiresAt: end.toISOString() }),
  };
}

/** Milliseconds for which a key that the issuer has withdrawn may still count. */
const keysLiveMs = 5 * 60 * 1_000;

/** Stops asking a failing issuer for a while: a token that names it must not make us ask at every request. */
function withCooldown(request: FetchImplementation, cooldownMs: number): FetchImplementation {
  let restUntil = 0;
  return async (url, init) => {
    if (performance.now() < restUntil) throw new Error("the issuer failed a moment ago");
    try {
      const response = await request(url, init);
      if (response.status !== 200) restUntil = performance.now() + cooldownMs;
      return response;
    } catch (error) {
      restUntil = performance.now() + cooldownMs;
      throw error;
    }
  };
}

const discoveryDocument = v.looseObject({ issuer: v.string(), jwks_uri: issuerUrl });

/** Finds the issuer's keys by discovery at first use, and fetches them again when a token names an unknown key. */
function keysOf(issuer: OidcIssuer, options: OidcOptions): () => Promise<KeySet> {
  const { timeoutMs = 5_000, cooldownMs = 1_000 } = options;
  const { caFile, tokenFile } = issuer;
  const own = () => createHttpClient({ env: options.env, caFile, tokenFile }).fetch as FetchImplementation;
  const given = caFile === undefined && tokenFile === undefined ? options.fetch : undefined;
  const request = withCooldown(given ?? own(), cooldownMs);
  const fromUri = (uri: string) =>
    createRemoteJWKSet(new URL(uri), {
      timeoutDuration: timeoutMs,
      cooldownDuration: cooldownMs,
      cacheMaxAge: keysLiveMs,
      [customFetch]: request,
    });
  if (issuer.jwksUri !== undefined) {
    const keys = fromUri(issuer.jwksUri);
    return async () => keys;
  }
  return once(async () => {
    const url = `${issuer.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(url, { method: "GET", headers: new Headers(), redirect: "manual", signal });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      const document = validate(discoveryDocument, await response.json());
      if (document.issuer !== issuer.issuer) throw new Error("the document is another issuer's");
      return fromUri(document.jwks_uri);
    } catch (error) {
      throw unavailable(issuer.issuer, error);
    }
  });
}

/** Why a token does not count, in a word and in a sentence. @returns undefined where it was not the token that failed */
function refusalOf(error: unknown): [TokenReason, string] | undefined {
  if (error instanceof errors.JWTExpired) return ["TOKEN_EXPIRED", "The token has expired."];
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reasons: Record<string, TokenReason> = {
      aud: "TOKEN_AUDIENCE",
      nbf: "TOKEN_NOT_YET_VALID",
      iat: "TOKEN_NOT_YET_VALID",
    };
    return [reasons[error.claim] ?? "TOKEN_CLAIM", `The token's "${error.claim}" is not the expected one.`];
  }
  const refusals = [
    errors.JWSSignatureVerificationFailed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSEAlgNotAllowed,
    errors.JWSInvalid,
    errors.JWTInvalid,
    errors.JOSENotSupported,
  ];
  if (!refusals.some((kind) => error instanceof kind)) return undefined;
  return ["TOKEN_SIGNATURE", "The token's signature is not valid."];
}

/** What is left comes from fetching the keys: no connection, an error status, a body that is no key set. */
function translate(error: unknown, issuer: string): ArtifactRegistryError {
  return error instanceof ArtifactRegistryError ? error : unavailable(issuer, error);
}

function unavailable(issuer: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `The issuer ${issuer} does not answer with its keys.`, {
    retryable: true,
    retryAfterSeconds: 5,
    hint: "The token could not be verified; try again when the issuer answers.",
    cause,
  });
}
