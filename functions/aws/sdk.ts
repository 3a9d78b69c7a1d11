import { ECRClient } from "@aws-sdk/client-ecr";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../../core/platform.ts";
import { translateAwsError } from "./errors.ts";
import type { Place } from "./place.ts";

/** Credentials of a role session. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** The SDK's clients, one per region, made when they are first needed. */
export interface Clients {
  ecr(region: string): ECRClient;
  /** A client under another identity; not kept, but on the connections of the others. */
  ecrAs(credentials: SessionCredentials, region: string): ECRClient;
  sts(): STSClient;
}

export function createClients({ region: home }: Place): Clients {
  const byRegion = new Map<string, ECRClient>();
  let sts: STSClient | undefined;
  const ecr = (region: string): ECRClient => {
    const client = byRegion.get(region) ?? new ECRClient({ ...sdkSettings("ECR"), region });
    byRegion.set(region, client);
    return client;
  };
  return {
    ecr,
    ecrAs(credentials, region) {
      const { requestHandler } = ecr(region).config;
      return new ECRClient({ ...sdkSettings("ECR"), region, credentials, requestHandler });
    },
    sts() {
      sts ??= new STSClient({ ...sdkSettings("STS"), region: home });
      return sts;
    },
  };
}

/** What the SDK's clients are told, so that they need not find it out. */
export interface SdkSettings {
  readonly maxAttempts: number;
  readonly [setting: string]: unknown;
}

// Repeating is the core's: it counts the calls, and an edit under a lease must know each of them.
const everywhere: SdkSettings = { maxAttempts: 1 };

/**
 * Settings of every client. On Lambda everything is in the environment, and there are no files of settings to look for:
 * a client that is told so has its first answer some 15 ms sooner.
 *
 * @param serviceId the service's name in `AWS_ENDPOINT_URL_{NAME}`, as `STS`
 */
export function sdkSettings(serviceId: string, env: Environment = process.env): SdkSettings {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!env.AWS_LAMBDA_FUNCTION_NAME || !accessKeyId || !secretAccessKey) return everywhere;
  const { AWS_SESSION_TOKEN: sessionToken, AWS_SDK_UA_APP_ID: userAgentAppId } = env;
  const endpoint = env[`AWS_ENDPOINT_URL_${serviceId}`] ?? env.AWS_ENDPOINT_URL;
  return {
    ...everywhere,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    ...(endpoint && env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS !== "true"
      ? { endpoint }
      : { ignoreConfiguredEndpointUrls: true }),
    defaultsMode: "standard",
    retryMode: "standard",
    authSchemePreference: [],
    disableClockSkewCorrection: false,
    sigv4aSigningRegionSet: [],
    useFipsEndpoint: env.AWS_USE_FIPS_ENDPOINT === "true",
    useDualstackEndpoint: env.AWS_USE_DUALSTACK_ENDPOINT === "true",
    userAgentAppId: userAgentAppId ?? "",
  };
}

/** The function's own account and identity, as STS knows them. It needs no permission. */
export async function askIdentity(clients: Clients, call: Call): Promise<{ account: string; arn: string }> {
  const what = "STS GetCallerIdentity";
  const { Account: account, Arn: arn } = await call.upstream(what, async (abortSignal) => {
    try {
      return await clients.sts().send(new GetCallerIdentityCommand({}), { abortSignal });
    } catch (error) {
      throw translateAwsError(error, what, "sts:GetCallerIdentity");
    }
  });
  if (account !== undefined && arn !== undefined) return { account, arn };
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "STS answered without an account.");
}

export async function askAccount(clients: Clients, call: Call): Promise<string> {
  return (await askIdentity(clients, call)).account;
}

/** The account in an ARN. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}
