import { v1 } from "@google-cloud/artifact-registry";
import { credentials } from "@grpc/grpc-js";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../auth.ts";

/** Artifact Registry's client. It speaks gRPC, because its REST mode escapes the slashes of an image path twice. */
export interface ControlPlane {
  /** The client, ready for use, and the headers that each request needs besides its own. */
  open(): Promise<OpenClient>;
}

interface OpenClient {
  readonly client: v1.ArtifactRegistryClient;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param env `ALIEN_GAR_ENDPOINT` is the address of the API where it is not Google's, as `host:port`. With `http://` in
 *   front the connection is not encrypted, as an emulator's. Then the function's token travels in a header, because gRPC
 *   sends no token over such a connection.
 */
export function createControlPlane(identity: OwnIdentity, env: Environment): ControlPlane {
  const endpoint = env.ALIEN_GAR_ENDPOINT || undefined;
  const inTheClear = endpoint?.startsWith("http://") ?? false;
  const started = once(async () => {
    const client = new v1.ArtifactRegistryClient({
      authClient: await identity.client(),
      ...(endpoint !== undefined && addressOf(endpoint)),
      ...(inTheClear && { sslCreds: credentials.createInsecure() }),
    });
    // Awaited here, because a failure in the client's own methods would end the process.
    await client.initialize();
    return client;
  });
  return {
    open: async () => ({ client: await started(), headers: inTheClear ? await authorization(identity) : {} }),
  };
}

async function authorization(identity: OwnIdentity): Promise<Record<string, string>> {
  const headers = await (await identity.client()).getRequestHeaders();
  return { authorization: headers.get("authorization") ?? "" };
}

function addressOf(endpoint: string): { apiEndpoint: string; port?: number } {
  const { hostname, port } = new URL(endpoint.includes("://") ? endpoint : `https://${endpoint}`);
  return { apiEndpoint: hostname, ...(port !== "" && { port: Number(port) }) };
}
