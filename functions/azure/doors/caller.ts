import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import { Unauthenticated } from "../../../core/doors.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { isGuid } from "../binding.ts";

/** Finds the caller. @throws AUTHENTICATION_ERROR, or ACCESS_DENIED for a caller that is known and that lacks the role */
export type PlatformCaller = (headers: Pick<Headers, "get">) => Promise<Caller>;

/** Who may call at all. */
export interface Wanted {
  /** Ids of tenants, in lower case. */
  readonly tenants: readonly string[];
  /** The application role that a caller must have. */
  readonly role: string;
}

const identityClaims = "http://schemas.microsoft.com/identity/claims";

/** The types by which App Service names a claim: Entra's own, or the longer ones that it maps them to. */
const claimTypes = {
  tenant: ["tid", `${identityClaims}/tenantid`],
  objectId: ["oid", `${identityClaims}/objectidentifier`],
  appId: ["appid", "azp"],
  role: ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"],
} as const;

const principal = v.looseObject({
  auth_typ: v.literal("aad"),
  claims: v.array(v.looseObject({ typ: v.string(), val: v.string() })),
});
export type Claims = v.InferOutput<typeof principal>["claims"];

/**
 * Finds the caller whom App Service authentication verified, in the header that only App Service can write (Microsoft Learn,
 * "Work with user identities in Azure App Service authentication").
 *
 * By default every application of the tenant gets a token for the function and passes the platform's check. So the caller
 * must have a role, too.
 */
export function createHeaderCaller(wanted: Wanted): PlatformCaller {
  return async (headers) => {
    const claims = claimsOf(headers.get("x-ms-client-principal"));
    // Browsers send a session's cookie with every request, even with one that another site made them send.
    const isSession = headers.get("cookie")?.includes("AppServiceAuthSession");
    const caller = claims === undefined || isSession ? undefined : callerIn(claims, wanted);
    if (caller === undefined) throw notAuthenticated();
    return caller;
  };
}

/**
 * Finds the caller in verified claims. The caller's issuer is `azure`. Its subject is `{tenant}/{object id}`, or `{tenant}/{app id}` for an
 * application without an object in the tenant.
 *
 * @returns undefined where the claims name no caller of these tenants
 * @throws ACCESS_DENIED for a caller without the role
 */
export function callerIn(claims: Claims, { tenants, role }: Wanted): Caller | undefined {
  const tenant = onlyId(claims, claimTypes.tenant);
  const subject = has(claims, claimTypes.objectId)
    ? onlyId(claims, claimTypes.objectId)
    : onlyId(claims, claimTypes.appId);
  if (tenant === undefined || subject === undefined || !tenants.includes(tenant)) return undefined;
  if (!claims.some(({ typ, val }) => isOf(claimTypes.role, typ) && val === role)) throw roleMissing(role);
  return { issuer: "azure", subject: `${tenant}/${subject}` };
}

function claimsOf(header: string | null): Claims | undefined {
  if (header === null || !/^[A-Za-z0-9+/]+={0,2}$/.test(header)) return undefined;
  try {
    const parsed = v.safeParse(principal, JSON.parse(Buffer.from(header, "base64").toString()));
    return parsed.success ? parsed.output.claims : undefined;
  } catch {
    return undefined;
  }
}

const isOf = (known: readonly string[], typ: string) => known.includes(typ);

function has(claims: Claims, known: readonly string[]): boolean {
  return claims.some(({ typ }) => isOf(known, typ));
}

/** The id on which all claims of these types agree; undefined if two of them differ. */
function onlyId(claims: Claims, known: readonly string[]): string | undefined {
  const values = new Set(claims.filter(({ typ }) => isOf(known, typ)).map(({ val }) => val.toLowerCase()));
  const [value, ...more] = values;
  return value !== undefined && more.length === 0 && isGuid(value) ? value : undefined;
}

function notAuthenticated(): Unauthenticated {
  return new Unauthenticated("NO_PLATFORM_CALLER", "The platform authenticated nobody.", {
    hint: "Send an Entra token for the function's application, of a tenant that ALIEN_PLATFORM_TENANTS names.",
  });
}

function roleMissing(role: string): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", "The caller does not have the role for this function.", {
    hint: `Assign the role ${role} of the function's application to the caller, in Entra.`,
  });
}
