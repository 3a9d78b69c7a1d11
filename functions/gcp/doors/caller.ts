import * as v from "valibot";
import type { Caller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { decodeClaims } from "../../../core/token-claims.ts";
import { isServiceAccount } from "../binding.ts";

type Headers = Readonly<NodeJS.Dict<readonly string[]>>;

/** What the platform puts in place of the signature of a token that it has verified. */
const removedSignature = "SIGNATURE_REMOVED_BY_GOOGLE";
const clockSkewMs = 60_000;

const claims = v.looseObject({
  iss: v.literal("https://accounts.google.com"),
  aud: v.string(),
  exp: v.number(),
  email: v.pipe(v.string(), v.check(isServiceAccount)),
  email_verified: v.literal(true),
});

/**
 * Finds the caller whom the platform authenticated. It is the service account of the ID token that the platform verified
 * and passed on without its signature (Cloud Run, "Authenticating service-to-service"). The caller's issuer is `gcp`, and
 * its subject is the e-mail address.
 *
 * If a request has both headers, the platform verifies `X-Serverless-Authorization` only, and passes `Authorization` on as
 * the sender wrote it. So `Authorization` does not count then. Nothing but the missing signature shows that a token was
 * verified, and anybody can leave a signature out. Only IAM keeps out callers whose tokens the platform did not verify, so
 * it must not let everybody invoke this door.
 *
 * @param env `ALIEN_PLATFORM_AUDIENCES` lists the audiences that tokens may have, separated by commas; without it the
 *   platform's own check is enough. Cloud Run sets `K_SERVICE`.
 * @returns a function that answers undefined where nobody was authenticated
 * @throws BINDING_CONFIG_INVALID where the function does not run on Cloud Run, so that nobody has verified anything
 */
export function createPlatformCaller(env: Environment, now: () => Date): (headers: Headers) => Caller | undefined {
  requireCloudRun(env);
  const audiences = (env.ALIEN_PLATFORM_AUDIENCES ?? "").split(",").flatMap((each) => each.trim() || []);
  return (headers) => {
    const token = bearer(headers["x-serverless-authorization"] ?? headers.authorization);
    const verified = token === undefined ? undefined : verifiedClaims(token);
    if (verified === undefined || verified.exp * 1_000 + clockSkewMs < now().getTime()) return undefined;
    if (audiences.length > 0 && !audiences.includes(verified.aud)) return undefined;
    return { issuer: "gcp", subject: verified.email };
  };
}

/**
 * Refuses to start elsewhere, where no platform stands in front of the function. We cannot see from here whether Cloud Run
 * asks IAM about callers: infra/gcp takes care of that.
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

/** A header that came twice does not count: the platform may have verified one value, and we would read the other. */
function bearer(values: readonly string[] = []): string | undefined {
  const [value, ...more] = values;
  return more.length > 0 ? undefined : /^Bearer +(\S+)$/i.exec(value ?? "")?.[1];
}

function verifiedClaims(token: string): v.InferOutput<typeof claims> | undefined {
  if (token.split(".")[2] !== removedSignature) return undefined;
  const parsed = v.safeParse(claims, decodeClaims(token));
  return parsed.success ? parsed.output : undefined;
}
