import { ECRClient } from "@aws-sdk/client-ecr";
import { STSClient } from "@aws-sdk/client-sts";
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
  /** A client under another identity; not kept. */
  ecrAs(credentials: SessionCredentials): ECRClient;
  sts(): STSClient;
}

// Repeating is the core's: it counts the calls, and an edit under a lease must know each of them.
const common = { maxAttempts: 1 };

export function createClients({ region: home }: Place): Clients {
  const byRegion = new Map<string, ECRClient>();
  let sts: STSClient | undefined;
  return {
    ecr(region) {
      const client = byRegion.get(region) ?? new ECRClient({ ...common, region });
      byRegion.set(region, client);
      return client;
    },
    ecrAs: (credentials) => new ECRClient({ ...common, region: home, credentials }),
    sts() {
      sts ??= new STSClient({ ...common, region: home });
      return sts;
    },
  };
}
