import { v1 } from "@google-cloud/artifact-registry";
import { credentials } from "@grpc/grpc-js";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../auth.ts";

/** Artifact Registry's client, over gRPC: its REST mode escapes the slashes of an image path twice. */
export interface ControlPlane {
  /** The client when it is ready, and the headers that each request needs beside its own. */
  open(): Promise<Opened>;
}

interface Opened {
  readonly client: v1.ArtifactRegistryClient;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param env `ALIEN_GAR_ENDPOINT` as `host:port`, with `http://` in front where the connection is in the clear, as an
 *   emulator's is; then the function's token travels in a header, since gRPC sends none over such a connection
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
    // Waited for here: the client's own methods let its failure end the process.
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
