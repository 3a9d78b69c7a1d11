import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { getEndpointFromInstructions } from "@smithy/core/endpoints";
import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { CredentialService } from "./endpoints.ts";
import type { Keys } from "./environment.ts";
import { translateAwsError } from "./errors.ts";
import type { Place } from "./place.ts";
import { sdkSettings } from "./sdk-settings.ts";

/** The SDK's clients, one per region, made when they are first needed. */
export interface Clients {
  ecr(region: string): ECRClient;
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
    sts() {
      sts ??= new STSClient({ ...sdkSettings("STS"), region: home });
      return sts;
    },
  };
}

/**
 * What the SDK's clients would sign with, and whom they would ask: as files, metadata servers and the environment say.
 *
 * @param region of the function
 */
export function createSdkSettings(region: string) {
  const { config } = new STSClient({ region });
  return {
    keys: (): Promise<Keys> => config.credentials(),
    async endpoint(service: CredentialService, region: string): Promise<string> {
      const resolve = getEndpointFromInstructions;
      switch (service) {
        case "sts":
          return (await resolve({}, AssumeRoleCommand, new STSClient({ region }).config)).url.href;
        case "ecr":
          return (await resolve({}, GetAuthorizationTokenCommand, new ECRClient({ region }).config)).url.href;
        case "ecr-public": {
          const sdk = await import("@aws-sdk/client-ecr-public");
          const { config } = new sdk.ECRPUBLICClient({ region });
          return (await resolve({}, sdk.GetAuthorizationTokenCommand, config)).url.href;
        }
      }
    },
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
