import { ECRClient } from "@aws-sdk/client-ecr";
import { STSClient } from "@aws-sdk/client-sts";
import type { Place } from "./place.ts";
import { sdkSettings } from "./sdk-settings.ts";

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
  ecrAs(credentials: SessionCredentials): ECRClient;
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
    ecrAs(credentials) {
      const { requestHandler } = ecr(home).config;
      return new ECRClient({ ...sdkSettings("ECR"), region: home, credentials, requestHandler });
    },
    sts() {
      sts ??= new STSClient({ ...sdkSettings("STS"), region: home });
      return sts;
    },
  };
}
