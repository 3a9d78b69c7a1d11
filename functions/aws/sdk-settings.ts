import type { Environment } from "../../core/platform.ts";
import { endpointSettings, keysOnLambda } from "./environment.ts";

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
 * @param serviceId as `endpointSettings` takes it
 */
export function sdkSettings(serviceId: string, env: Environment = process.env): SdkSettings {
  const credentials = keysOnLambda(env);
  if (credentials === undefined) return everywhere;
  const { endpoint, useFips, useDualStack } = endpointSettings(serviceId, env);
  return {
    ...everywhere,
    credentials,
    ...(endpoint ? { endpoint } : { ignoreConfiguredEndpointUrls: true }),
    defaultsMode: "standard",
    retryMode: "standard",
    authSchemePreference: [],
    disableClockSkewCorrection: false,
    sigv4aSigningRegionSet: [],
    useFipsEndpoint: useFips,
    useDualstackEndpoint: useDualStack,
    userAgentAppId: env.AWS_SDK_UA_APP_ID ?? "",
  };
}
