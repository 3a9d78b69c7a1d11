import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { isGuid } from "../binding.ts";

/** Finds the caller. @throws AUTHENTICATION_ERROR, or ACCESS_DENIED for a caller that the platform knows and that lacks the role */
export type PlatformCaller = (headers: Pick<Headers, "get">) => Caller;

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
type Claims = v.InferOutput<typeof principal>["claims"];

/**
 * Finds the caller whom App Service authentication verified, in the header that only App Service can write (Microsoft Learn,
 * "Work with user identities in Azure App Service authentication"). The caller's issuer is `azure`. Its subject is
 * `{tenant}/{object id}`, or `{tenant}/{app id}` for an application without an object in the tenant.
 *
 * By default every application of the tenant gets a token for the function and passes the platform's check. So the caller
 * must have a role, too.
 *
 * @param env `ALIEN_PLATFORM_TENANTS`, `ALIEN_PLATFORM_ROLE`, and `WEBSITE_AUTH_ENABLED`, which the platform sets
 * @param defaultRole the role that callers must have if the environment names none
 * @throws BINDING_CONFIG_INVALID where no tenant is named, or the platform does not authenticate
 */
export function createPlatformCaller(env: Environment, defaultRole: string): PlatformCaller {
  const tenants = readTenants(env);
  const role = env.ALIEN_PLATFORM_ROLE?.trim() || defaultRole;
  requireAuthentication(env);
  return (headers) => {
    const claims = claimsOf(headers.get("x-ms-client-principal"));
    // Browsers send a session's cookie with every request, even with one that another site made them send.
    if (claims === undefined || headers.get("cookie")?.includes("AppServiceAuthSession")) throw notAuthenticated();
    const tenant = onlyId(claims, claimTypes.tenant);
    const subject = has(claims, claimTypes.objectId)
      ? onlyId(claims, claimTypes.objectId)
      : onlyId(claims, claimTypes.appId);
    if (tenant === undefined || subject === undefined || !tenants.includes(tenant)) throw notAuthenticated();
    if (!claims.some(({ typ, val }) => isOf(claimTypes.role, typ) && val === role)) throw roleMissing(role);
    return { issuer: "azure", subject: `${tenant}/${subject}` };
  };
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

function readTenants({ ALIEN_PLATFORM_TENANTS: text = "" }: Environment): readonly string[] {
  const tenants = text.split(",").flatMap((each) => each.trim().toLowerCase() || []);
  if (tenants.length > 0 && tenants.every(isGuid)) return tenants;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_PLATFORM_TENANTS names no tenants.", {
    hint: "Set it to the ids of the Entra tenants whose callers are accepted, separated by commas.",
    context: { variable: "ALIEN_PLATFORM_TENANTS" },
  });
}

/**
 * Refuses to open if App Service authentication is off: then nobody removes a header that the sender wrote.
 *
 * The Functions host authenticates only if `WEBSITE_AUTH_ENABLED` is "true" in any case, and the worker inherits that
 * variable (azure-functions-host: `HostEasyAuthOptionsSetup`, `JobHostEasyAuthMiddleware`). If it is absent, or is anything
 * else, authentication is off, and no setting of ours may claim otherwise.
 */
function requireAuthentication({ WEBSITE_AUTH_ENABLED: enabled = "" }: Environment): void {
  if (/^true$/i.test(enabled)) return;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    "App Service authentication is off, so nobody has verified who calls this function.",
    {
      hint:
        "Turn App Service authentication on for the function app, and have it require authentication. The platform then " +
        "sets WEBSITE_AUTH_ENABLED to true and starts the app again. Do not set that variable yourself.",
      context: { variable: "WEBSITE_AUTH_ENABLED" },
    },
  );
}

function notAuthenticated(): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", "The platform authenticated nobody.", {
    hint: "Send an Entra token for the function's application, of a tenant that ALIEN_PLATFORM_TENANTS names.",
  });
}

function roleMissing(role: string): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", "The caller does not have the role for this function.", {
    hint: `Assign the role ${role} of the function's application to the caller, in Entra.`,
  });
}
