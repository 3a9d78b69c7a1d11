import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import { Secret } from "../../../core/secret.ts";
import { cloudPlatform } from "../auth.ts";
import { explainedRefusal, googleCode, googleMessage, grpcCode, translateGoogleError } from "../errors.ts";
import { propagation } from "../refusals.ts";
import { endpointOf, rest } from "../rest.ts";
import type { GarContext } from "./context.ts";
import { findOwnRepository } from "./own-repository.ts";

/** How many seconds an access token may live (IAM Credentials, generateAccessToken). */
export const tokenSeconds = { min: 1, max: 3_600, default: 3_600 } as const;
/** How many seconds to ask for where Google's clock is behind ours, so that an hour seems too long to it. */
const skewedMaxSeconds = 3_300;

/** Codes for an account that is missing or disabled, or that the function may not use. Google does not always say which. */
const unusable: readonly number[] = [grpcCode.permissionDenied, grpcCode.notFound, grpcCode.failedPrecondition];

const what = "IAM Credentials generateAccessToken";

const tokenAnswer = v.looseObject({
  accessToken: v.pipe(v.string(), v.minLength(1)),
  expireTime: v.pipe(
    v.string(),
    v.check((text) => !Number.isNaN(Date.parse(text))),
  ),
});

/**
 * Mints credentials: an access token of the bound pull or push account, which opens every repository of the registry.
 *
 * @throws BINDING_CONFIG_INVALID where no account is bound, because the function never mints for its own identity
 * @throws ACCESS_DENIED where the account is missing or disabled, or may not be impersonated
 * @throws SERVICE_UNAVAILABLE (retryable) instead, where the registry was made a moment ago
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
      hint: "Add the service account to the binding: the function never mints for its own identity.",
      context: { field },
    });
  }
  const seconds = Math.min(Math.max(ttlSeconds, tokenSeconds.min), tokenSeconds.max);
  try {
    return await impersonate(context, email, seconds, call).catch((error: unknown) => {
      if (seconds <= skewedMaxSeconds || !isTooLong(error)) throw error;
      return impersonate(context, email, skewedMaxSeconds, call);
    });
  } catch (error) {
    throw await translateMintingError(context, error, email, call);
  }
}

async function impersonate(
  { identity, env }: GarContext,
  email: string,
  seconds: number,
  call: Call,
): Promise<MintedCredentials> {
  const endpoint = endpointOf(env, "ALIEN_IAM_CREDENTIALS_ENDPOINT", "iamcredentials.googleapis.com");
  const answer = await rest(identity, call, {
    what,
    url: `${endpoint}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
    method: "POST",
    data: { scope: [cloudPlatform], lifetime: `${seconds}s` },
    needs: `iam.serviceAccounts.getAccessToken on ${email}`,
    expected: [grpcCode.invalidArgument, ...unusable],
  });
  const { success, output } = v.safeParse(tokenAnswer, answer);
  if (!success) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "IAM Credentials answered without a token.");
  }
  const password = new Secret(output.accessToken);
  return {
    authMethod: "basic",
    username: "oauth2accesstoken",
    password,
    expiresAt: new Date(output.expireTime),
    scope: "registry",
  };
}

function isTooLong(error: unknown): boolean {
  return (
    googleCode(error) === grpcCode.invalidArgument && /cannot exceed 3,?600 ?s(?:econds)?/i.test(googleMessage(error))
  );
}

async function translateMintingError(context: GarContext, error: unknown, email: string, call: Call): Promise<unknown> {
  const code = googleCode(error);
  // Where Google said why, as that the API is not enabled, the translation tells it.
  if (code === undefined || !unusable.includes(code) || explainedRefusal(error, what)) {
    return translateGoogleError(error, what, `iam.serviceAccounts.getAccessToken on ${email}`);
  }
  const causes =
    `${email} must exist and be enabled, and the function's own service account needs ` +
    "iam.serviceAccounts.getAccessToken on it (roles/iam.serviceAccountTokenCreator). Google does not say which is missing.";
  // A disabled account is told by a code of its own. The others may be because IAM has not heard of it everywhere.
  if (code !== grpcCode.failedPrecondition && (await isNew(context, call))) {
    return new ArtifactRegistryError(
      "SERVICE_UNAVAILABLE",
      "The registry is new, and IAM does not know its rights yet.",
      {
        retryable: true,
        hint: `Call again: it may take 2 minutes, and sometimes 7 or more. If that does not help: ${causes}`,
        cause: error,
      },
    );
  }
  return new ArtifactRegistryError("ACCESS_DENIED", "The bound service account cannot be impersonated.", {
    hint: `${causes} ${propagation}`,
    cause: error,
  });
}

/** Milliseconds after which IAM knows the accounts and the rights of a registry for certain: twice what Google speaks of. */
const newMs = 15 * 60_000;

/** Whether the registry's repository was made a moment ago. Not known where the function may not look at it. */
async function isNew(context: GarContext, call: Call): Promise<boolean> {
  const repository = await findOwnRepository(context, call).catch(() => undefined);
  // Google's clock may be a little ahead of ours.
  return Math.abs(call.now().getTime() - Date.parse(repository?.createTime ?? "")) < newMs;
}
