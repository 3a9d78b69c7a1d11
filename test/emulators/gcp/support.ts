import { ArtifactRegistryClient } from "@google-cloud/artifact-registry";
import { credentials } from "@grpc/grpc-js";
import { PassThroughClient } from "google-auth-library";
import { afterAll, beforeAll, expect } from "vitest";
import { createClient, type OciClient, OciError } from "../../../oci/client/index.ts";
import { type GcpEmulator, type GcpEmulatorOptions, startGcpEmulator } from "./index.ts";

export const HOME = "vendor-project";
export const OTHER = "customer-project";
export const PROJECTS = { [HOME]: "111122223333", [OTHER]: "444455556666" };

/** One emulator for the tests of a file. */
export function useEmulator(options: GcpEmulatorOptions = {}): () => GcpEmulator {
  let emulator: GcpEmulator | undefined;
  beforeAll(async () => {
    emulator = await startGcpEmulator({ projects: PROJECTS, ...options });
  });
  afterAll(() => emulator?.stop());
  return () => {
    if (emulator === undefined) throw new Error("The emulator has not started.");
    return emulator;
  };
}

/** Google's own client, pointed at the emulator; `as` are its call options. It never repeats a call by itself. */
export function artifactRegistry(gcp: GcpEmulator): ArtifactRegistryClient {
  return new ArtifactRegistryClient({
    projectId: HOME,
    apiEndpoint: gcp.grpc.host,
    port: gcp.grpc.port,
    sslCreds: credentials.createInsecure(),
    // Nothing looks for a metadata server.
    authClient: new PassThroughClient(),
  });
}

/** Call options with a token: without TLS gRPC sends no credentials by itself. */
export const as = (token: string) => ({
  otherArgs: { headers: { authorization: `Bearer ${token}` } },
  retry: null,
  timeout: 300_000,
});

export interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly reason: string | undefined;
}

/** The code, message and reason of the error that a gRPC call must end with. */
export async function refused(call: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("The call was not refused.");
  const { code = -1, reason } = error as { code?: number; reason?: string };
  return { code, message: error.message, reason };
}

/** Calls a JSON API of the emulator. */
export async function api(gcp: GcpEmulator, token: string | undefined, method: string, path: string, body?: object) {
  const answer = await fetch(`${gcp.url}${path}`, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> & ErrorBody };
}

interface ErrorBody {
  readonly error?: { code: number; message: string; status: string; details?: readonly { reason: string }[] };
}

/** A client of a registry, with a token. */
export function registryClient(gcp: GcpEmulator, token: string, username = "oauth2accesstoken"): OciClient {
  return createClient({ url: gcp.registryUrl(), credentials: { username, password: token } });
}

/** The status and code with which the data plane refuses. */
export async function registryRefusal(call: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OciError);
  const { status, message } = error as OciError;
  return { status, message };
}

/** What a push needs in its path: `{project}/{repository}/{image}` of a repository's name. */
export function imageIn(repository: string, path: string): string {
  const [, project = "", , , , id = ""] = repository.split("/");
  return `${project.replace(":", "/")}/${id}/${path}`;
}
