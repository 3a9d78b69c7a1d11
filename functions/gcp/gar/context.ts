import type { v1 } from "@google-cloud/artifact-registry";
import type { Call } from "../../../core/call.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { describePermission, googleCode, translateGoogleError } from "../errors.ts";
import type { GarNames } from "../names.ts";
import type { GarPlace } from "../place.ts";
import type { ControlPlane } from "./control-plane.ts";

/** What every part of the adapter works with. */
export interface GarContext {
  readonly binding: GarBinding;
  /** Whether the registry was provisioned at run time. Rights on it may hang on a tag, `ALIEN_REGISTRY_TAG`. */
  readonly derived: boolean;
  readonly place: GarPlace;
  /** The API's name of the registry's own repository. */
  readonly resource: string;
  readonly names: GarNames;
  readonly env: Environment;
  readonly identity: OwnIdentity;
  /** The client of the API. It is loaded at the first call, because a request for credentials does without it. */
  controlPlane(): Promise<ControlPlane>;
}

/** A method of Artifact Registry's API. */
export interface RpcMethod {
  /** Its name, as `GetIamPolicy`. */
  readonly action: string;
  /** The IAM permission that the method requires. */
  readonly permission: string;
  /** What the permission is required on. Default: the registry's own repository. */
  readonly on?: string;
  /** The codes that the caller handles: such an error is thrown untranslated. */
  readonly expected?: readonly number[];
}

export type RpcClient = v1.ArtifactRegistryClient;

/** The options of every request. The core repeats requests, so the client's own repetition is off. */
export interface RpcOptions {
  readonly timeout: number;
  readonly retry: null;
  readonly otherArgs: { readonly headers: Readonly<Record<string, string>> };
}

/** Milliseconds after which the client gives up a request. The core has usually done so before. */
const timeoutMs = 10_000;

/** Sends one request to Artifact Registry. */
export function rpc<T>(
  context: GarContext,
  call: Call,
  method: RpcMethod,
  send: (client: RpcClient, options: RpcOptions) => Promise<T>,
): Promise<T> {
  return call.upstream(`Artifact Registry ${method.action}`, async (signal) => {
    try {
      const { client, headers } = await (await context.controlPlane()).open();
      signal.throwIfAborted();
      return await send(client, { timeout: timeoutMs, retry: null, otherArgs: { headers: { ...headers } } });
    } catch (error) {
      signal.throwIfAborted();
      const code = googleCode(error);
      if (code !== undefined && method.expected?.includes(code)) throw error;
      throw translateRpcError(error, context, method);
    }
  });
}

export function translateRpcError(error: unknown, context: GarContext, method: RpcMethod): unknown {
  return translateGoogleError(error, `Artifact Registry ${method.action}`, needsOf(context, method));
}

/** What the hint of a refusal names: the permission, on what, and the tag without which a right on a derived registry does not count. */
export function needsOf({ place, derived, env }: GarContext, { permission, on }: RpcMethod): string {
  const { ALIEN_REGISTRY_TAG: tag, ALIEN_DOOR: door } = env;
  // The provision door's rights are there without the tag, which it attaches.
  const tagged = derived && tag && door !== "provision" ? ` with the tag ${tag}, which provisionRegistry attaches` : "";
  return describePermission(permission, on ?? `the repository ${place.repository}${tagged}`);
}
