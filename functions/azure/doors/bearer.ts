/** Verifies callers' Entra tokens in the function itself, for a door that nothing of the platform's stands before. */
import { Unauthenticated } from "../../../core/doors.ts";
import type { Environment } from "../../../core/platform.ts";
import { entraAuthority } from "../place.ts";
import { type Claims, callerIn, type PlatformCaller, type Wanted } from "./caller.ts";

/**
 * Seconds that a token of Entra may live. A managed identity's lives for a day, and Entra dates it back by five minutes
 * (Microsoft Learn, "Access tokens in the Microsoft identity platform").
 */
const maxTokenSeconds = 25 * 60 * 60;

/**
 * Finds the caller whom an Entra token names. The signature, the issuer (one of the tenants), the audience and the time must be right
 * (Microsoft Learn, "Secure applications and APIs by validating claims"). Nothing that the platform writes into a request counts.
 *
 * @param audience the client id of the door's application, which its tokens of version 2.0 name as `aud`
 */
export async function createBearerCaller(env: Environment, audience: string, wanted: Wanted): Promise<PlatformCaller> {
  // The doors that believe the platform do without it.
  const { createOidcVerifier } = await import("../../../core/oidc.ts");
  const tenantOf = new Map(wanted.tenants.map((tenant) => [`${entraAuthority(env)}/${tenant}/v2.0`, tenant]));
  const issuers = [...tenantOf.keys()].map((issuer) => ({ issuer, audience, maxTokenSeconds }));
  const verify = createOidcVerifier(issuers, { env });
  return async (headers) => {
    const token = /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (token === undefined) throw new Unauthenticated("NO_TOKEN", "A bearer token is required.", { hint });
    const { issuer, claims = {} } = await verify(token);
    const tenants = wanted.tenants.filter((tenant) => tenant === tenantOf.get(issuer));
    const caller = callerIn(claimsOf(claims), { ...wanted, tenants });
    // An ID token has the same issuer and audience, but only an access token names the client that it was given to.
    if (caller === undefined || typeof claims.azp !== "string") {
      throw new Unauthenticated("TOKEN_CLAIM", "The token does not name a caller.", { hint });
    }
    return caller;
  };
}

const hint =
  "Send an Entra access token of version 2.0 for the function's application, of a tenant that ALIEN_PLATFORM_TENANTS names, as " +
  "Authorization: Bearer <token>.";

function claimsOf(payload: Readonly<Record<string, unknown>>): Claims {
  return Object.entries(payload).flatMap(([typ, value]) => [value].flat().map((each) => ({ typ, val: String(each) })));
}
