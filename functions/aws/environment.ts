import type { Environment } from "../../core/platform.ts";

/** What requests are signed with. */
export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The function's own keys on Lambda, where everything is in the environment. @returns undefined elsewhere */
export function keysOnLambda(env: Environment): Keys | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env;
  if (!env.AWS_LAMBDA_FUNCTION_NAME || !accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) };
}

/** How AWS is to be reached, as the SDK's variables say. */
export interface EndpointSettings {
  /** Instead of AWS's own host. */
  readonly endpoint?: string | undefined;
  readonly useFips: boolean;
  readonly useDualStack: boolean;
}

/**
 * Reads the SDK's variables. Files of settings are not looked at.
 *
 * @param serviceId the service's name in `AWS_ENDPOINT_URL_{NAME}`, as `STS` (AWS SDKs and Tools Reference Guide, "Service-specific endpoints")
 */
export function endpointSettings(serviceId: string, env: Environment): EndpointSettings {
  const own = env[`AWS_ENDPOINT_URL_${serviceId}`] || env.AWS_ENDPOINT_URL;
  return {
    ...(own && env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS !== "true" && { endpoint: own }),
    useFips: env.AWS_USE_FIPS_ENDPOINT === "true",
    useDualStack: env.AWS_USE_DUALSTACK_ENDPOINT === "true",
  };
}
