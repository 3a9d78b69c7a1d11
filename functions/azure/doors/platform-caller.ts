import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { isGuid } from "../binding.ts";
import { createHeaderCaller, type PlatformCaller } from "./caller.ts";

/**
 * Opens what finds callers: in the header of App Service authentication, or, where the environment names an audience, in the token itself, which
 * the function then verifies.
 *
 * @param env `ALIEN_PLATFORM_TENANTS`, `ALIEN_PLATFORM_ROLE`, `ALIEN_PLATFORM_AUDIENCE`, and `WEBSITE_AUTH_ENABLED`, which the platform sets
 * @param defaultRole the role that callers must have if the environment names none
 * @throws BINDING_CONFIG_INVALID where no tenant is named, or neither the platform nor the function authenticates
 */
export async function createPlatformCaller(env: Environment, defaultRole: string): Promise<PlatformCaller> {
  const wanted = { tenants: readTenants(env), role: env.ALIEN_PLATFORM_ROLE?.trim() || defaultRole };
  const audience = readAudience(env);
  if (audience !== undefined) {
    // The doors behind App Service authentication do without it.
    const { createBearerCaller } = await import("./bearer.ts");
    return createBearerCaller(env, audience, wanted);
  }
  requireAuthentication(env);
  return createHeaderCaller(wanted);
}

function readTenants({ ALIEN_PLATFORM_TENANTS: text = "" }: Environment): readonly string[] {
  const tenants = text.split(",").flatMap((each) => each.trim().toLowerCase() || []);
  if (tenants.length > 0 && tenants.every(isGuid)) return tenants;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_PLATFORM_TENANTS names no tenants.", {
    hint: "Set it to the ids of the Entra tenants whose callers are accepted, separated by commas.",
    context: { variable: "ALIEN_PLATFORM_TENANTS" },
  });
}

/** Whom callers' tokens must be for, where the function verifies them itself. */
function readAudience({ ALIEN_PLATFORM_AUDIENCE: text = "" }: Environment): string | undefined {
  const audience = text.trim().toLowerCase();
  if (audience === "" || isGuid(audience)) return audience || undefined;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    "ALIEN_PLATFORM_AUDIENCE is not the id of an application.",
    {
      hint: "Set it to the client id of the door's application, whose tokens are of version 2.0, or leave it out.",
      context: { variable: "ALIEN_PLATFORM_AUDIENCE" },
    },
  );
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
        "sets WEBSITE_AUTH_ENABLED to true and starts the app again. Do not set that variable yourself. Or have the function " +
        "verify the callers' tokens itself: set ALIEN_PLATFORM_AUDIENCE to the client id of the door's application.",
      context: { variable: "WEBSITE_AUTH_ENABLED" },
    },
  );
}
