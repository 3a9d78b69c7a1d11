import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { decodeClaims } from "../../../core/token-claims.ts";
import { isServiceAccount } from "../binding.ts";

type Headers = Readonly<NodeJS.Dict<readonly string[]>>;

/** What stands in the place of the signature once the platform has verified a token. */
const removed = "SIGNATURE_REMOVED_BY_GOOGLE";
const clockSkewMs = 60_000;

const claims = v.looseObject({
  iss: v.literal("https://accounts.google.com"),
  aud: v.string(),
  exp: v.number(),
  email: v.pipe(v.string(), v.check(isServiceAccount)),
  email_verified: v.literal(true),
});

/**
 * Finds the caller whom the platform authenticated: the service account of the ID token that it verified and handed on
 * without its signature (Cloud Run, "Authenticating service-to-service"): issuer `gcp`, subject the e-mail.
 *
 * Where both headers come, the platform looks at `X-Serverless-Authorization` alone, and hands `Authorization` on as its
 * sender wrote it: so it counts for nothing then. That a token was verified can be seen from nothing but its missing
 * signature, which anybody can leave out: only IAM keeps those out whom the platform did not ask.
 *
 * @param env `ALIEN_PLATFORM_AUDIENCES`: what tokens must be for, separated by commas; absent means that the platform's
 *   own check will do; and `K_SERVICE`, which Cloud Run sets
 * @returns a function that answers undefined where nobody was authenticated
 * @throws BINDING_CONFIG_INVALID where the function does not run on Cloud Run, so that nobody has verified anything
 */
export function createPlatformCaller(env: Environment, now: () => Date): (headers: Headers) => Caller | undefined {
  requireCloudRun(env);
  const audiences = (env.ALIEN_PLATFORM_AUDIENCES ?? "").split(",").flatMap((each) => each.trim() || []);
  return (headers) => {
    const token = bearer(headers["x-serverless-authorization"] ?? headers.authorization);
    const found = token === undefined ? undefined : claimsOf(token);
    if (found === undefined || found.exp * 1_000 + clockSkewMs < now().getTime()) return undefined;
    if (audiences.length > 0 && !audiences.includes(found.aud)) return undefined;
    return { issuer: "gcp", subject: found.email };
  };
}

/**
 * Elsewhere, as on a machine of one's own, no platform stands before the function. That Cloud Run asks IAM about callers
 * cannot be seen from in here: infra/gcp sees to it.
 */
function requireCloudRun({ K_SERVICE: service }: Environment): void {
  if (service) return;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    "This is not Cloud Run, so nobody has verified who calls the platform door.",
    {
      hint: "Deploy the function on Cloud Run, which sets K_SERVICE, or set ALIEN_DOOR=oidc, where it verifies tokens itself.",
      context: { variable: "K_SERVICE" },
    },
  );
}

/** A header that came twice says nothing: who reads the first must not believe what was checked of the last. */
function bearer(values: readonly string[] = []): string | undefined {
  const [value, ...more] = values;
  return more.length > 0 ? undefined : /^Bearer +(\S+)$/i.exec(value ?? "")?.[1];
}

function claimsOf(token: string): v.InferOutput<typeof claims> | undefined {
  if (token.split(".")[2] !== removed) return undefined;
  const parsed = v.safeParse(claims, decodeClaims(token));
  return parsed.success ? parsed.output : undefined;
}
