import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";

/** Finds the caller. @throws AUTHENTICATION_ERROR, or ACCESS_DENIED for whom the platform knows and who has no role */
export type FindCaller = (headers: Pick<Headers, "get">) => Caller;

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const identity = "http://schemas.microsoft.com/identity/claims";

/** By which names App Service tells of a claim: Entra's own, or the longer ones that it maps them to. */
const names = {
  tenant: ["tid", `${identity}/tenantid`],
  objectId: ["oid", `${identity}/objectidentifier`],
  appId: ["appid", "azp"],
  role: ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"],
} as const;

const principal = v.looseObject({
  auth_typ: v.literal("aad"),
  claims: v.array(v.looseObject({ typ: v.string(), val: v.string() })),
});
type Claims = v.InferOutput<typeof principal>["claims"];

/**
 * Finds the caller whom App Service authentication verified, in the header that it alone can write (Microsoft Learn, "Work
 * with user identities in Azure App Service authentication"): issuer `azure`, subject `{tenant}/{object id}`, or
 * `{tenant}/{app id}` for an application without an object in the tenant.
 *
 * By default every application of the tenant gets a token for the function and passes the platform's check: so a role is
 * asked for here.
 *
 * @param env `ALIEN_PLATFORM_TENANTS`, `ALIEN_PLATFORM_ROLE`, and `WEBSITE_AUTH_ENABLED`, which the platform sets
 * @param usualRole the role that callers must have where the environment names none
 * @throws BINDING_CONFIG_INVALID where no tenant is named, or the platform does not authenticate
 */
export function createFindCaller(env: Environment, usualRole: string): FindCaller {
  const tenants = readTenants(env);
  const role = env.ALIEN_PLATFORM_ROLE?.trim() || usualRole;
  requireAuthentication(env);
  return (headers) => {
    const claims = claimsOf(headers.get("x-ms-client-principal"));
    // Browsers send a session's cookie along unasked, also with what another site has them send.
    if (claims === undefined || headers.get("cookie")?.includes("AppServiceAuthSession")) throw unauthenticated();
    const tenant = only(claims, names.tenant);
    const subject = has(claims, names.objectId) ? only(claims, names.objectId) : only(claims, names.appId);
    if (tenant === undefined || subject === undefined || !tenants.includes(tenant)) throw unauthenticated();
    if (!claims.some(({ typ, val }) => isOf(names.role, typ) && val === role)) throw withoutRole(role);
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

/** The id that these claims agree on: two that differ say nothing. */
function only(claims: Claims, known: readonly string[]): string | undefined {
  const values = new Set(claims.filter(({ typ }) => isOf(known, typ)).map(({ val }) => val.toLowerCase()));
  const [value, ...more] = values;
  return value !== undefined && more.length === 0 && guid.test(value) ? value : undefined;
}

function readTenants({ ALIEN_PLATFORM_TENANTS: text = "" }: Environment): readonly string[] {
  const tenants = text.split(",").flatMap((each) => each.trim().toLowerCase() || []);
  if (tenants.length > 0 && tenants.every((each) => guid.test(each))) return tenants;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_PLATFORM_TENANTS names no tenants.", {
    hint: "Set it to the ids of the Entra tenants whose callers count, separated by commas.",
    context: { variable: "ALIEN_PLATFORM_TENANTS" },
  });
}

/**
 * Refuses to open where App Service authentication is off: nobody then takes the header away from those who write it
 * themselves.
 *
 * The Functions host authenticates only where `WEBSITE_AUTH_ENABLED` is "true" in any case, and the worker inherits that
 * variable (azure-functions-host: `HostEasyAuthOptionsSetup`, `JobHostEasyAuthMiddleware`). So where it is absent, or says
 * anything else, authentication is off, and no setting of ours may claim otherwise.
 */
function requireAuthentication({ WEBSITE_AUTH_ENABLED: told = "" }: Environment): void {
  if (/^true$/i.test(told)) return;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    "App Service authentication is off, so this function can believe nobody who calls it.",
    {
      hint:
        "Turn App Service authentication on for the function app, and have it require authentication. The platform then " +
        "sets WEBSITE_AUTH_ENABLED to true and starts the app again. Do not set that variable yourself.",
      context: { variable: "WEBSITE_AUTH_ENABLED" },
    },
  );
}

function unauthenticated(): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", "The platform named no caller.", {
    hint: "Send an Entra token for the function's application, of a tenant that ALIEN_PLATFORM_TENANTS names.",
  });
}

function withoutRole(role: string): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", "The caller does not have the role for this function.", {
    hint: `Assign the role ${role} of the function's application to the caller, in Entra.`,
  });
}
