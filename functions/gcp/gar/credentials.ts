import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import { Secret } from "../../../core/secret.ts";
import { cloudPlatform } from "../auth.ts";
import { googleCode, googleMessage, grpcCode, translateGoogleError } from "../errors.ts";
import { endpointOf, rest } from "../rest.ts";
import type { GarContext } from "./context.ts";

/**
 * Mints credentials: a token of the bound pull or push account, which opens every repository of the registry.
 *
 * @throws BINDING_CONFIG_INVALID where no account is bound: the function's own identity never mints
 */
export async function generateCredentials(
  context: GarContext,
  { permissions, ttlSeconds = tokenSeconds.default }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const field = permissions === "pull" ? "pullServiceAccountEmail" : "pushServiceAccountEmail";
  const email = context.binding[field];
  if (email === undefined) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`, {
      hint: "Add the service account to the binding: the function's own identity never mints.",
      context: { field },
    });
  }
  const { token, expiresAt } = await impersonate(context, email, ttlSeconds, call);
  return { authMethod: "basic", username: "oauth2accesstoken", password: token, expiresAt, scope: "registry" };
}

/** Seconds that an access token may live (IAM Credentials, generateAccessToken). */
export const tokenSeconds = { min: 1, max: 3_600, default: 3_600 } as const;
/** Seconds to ask for where Google's clock is behind ours, and finds an hour too long. */
const underSkew = 3_300;

/** The account is missing, or disabled, or closed to the function: Google does not always tell which. */
const closed: readonly number[] = [grpcCode.permissionDenied, grpcCode.notFound, grpcCode.failedPrecondition];

const what = "IAM Credentials generateAccessToken";

interface AccessToken {
  readonly token: Secret;
  readonly expiresAt: Date;
}

/**
 * An access token of a service account, made by impersonation.
 *
 * @param seconds more than an hour is capped, less than a second raised
 * @throws ACCESS_DENIED where the account is missing, disabled, or may not be impersonated
 */
async function impersonate(
  { identity, env }: GarContext,
  email: string,
  seconds: number,
  call: Call,
): Promise<AccessToken> {
  const wanted = Math.min(Math.max(seconds, tokenSeconds.min), tokenSeconds.max);
  const endpoint = endpointOf(env, "ALIEN_IAM_CREDENTIALS_ENDPOINT", "iamcredentials.googleapis.com");
  const ask = async (lifetime: number) => {
    const answer = await rest<TokenAnswer | undefined>(identity, call, {
      what,
      url: `${endpoint}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
      method: "POST",
      data: { scope: [cloudPlatform], lifetime: `${lifetime}s` },
      needs: `iam.serviceAccounts.getAccessToken on ${email}`,
      expected: [grpcCode.invalidArgument, ...closed],
    });
    return tokenFrom(answer ?? {});
  };
  try {
    return await ask(wanted);
  } catch (error) {
    if (wanted <= underSkew || !isTooLong(error)) throw translate(error, email);
  }
  try {
    return await ask(underSkew);
  } catch (error) {
    throw translate(error, email);
  }
}

interface TokenAnswer {
  readonly accessToken?: unknown;
  readonly expireTime?: unknown;
}

function tokenFrom({ accessToken, expireTime }: TokenAnswer): AccessToken {
  const expiresAt = new Date(typeof expireTime === "string" ? expireTime : Number.NaN);
  if (typeof accessToken !== "string" || accessToken === "" || Number.isNaN(expiresAt.getTime())) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "IAM Credentials answered without a token.");
  }
  return { token: new Secret(accessToken), expiresAt };
}

function isTooLong(error: unknown): boolean {
  return (
    googleCode(error) === grpcCode.invalidArgument && /cannot exceed 3,?600 ?s(?:econds)?/i.test(googleMessage(error))
  );
}

function translate(error: unknown, email: string): unknown {
  const translated = translateGoogleError(error, what, `iam.serviceAccounts.getAccessToken on ${email}`);
  const code = googleCode(error);
  if (!(translated instanceof ArtifactRegistryError) || code === undefined || !closed.includes(code)) return translated;
  // Denied for a reason of its own, as an API that is not enabled.
  if (translated.code === "BINDING_CONFIG_INVALID") return translated;
  return new ArtifactRegistryError("ACCESS_DENIED", "The bound service account cannot be impersonated.", {
    hint:
      `${email} must exist and be enabled, and the function's own service account needs ` +
      "iam.serviceAccounts.getAccessToken on it (roles/iam.serviceAccountTokenCreator): Google does not tell what is missing.",
    cause: error,
  });
}
