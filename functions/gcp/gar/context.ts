import type { v1 } from "@google-cloud/artifact-registry";
import type { Call } from "../../../core/call.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../auth.ts";
import type { GarBinding } from "../binding.ts";
import { googleCode, needed, translateGoogleError } from "../errors.ts";
import type { GarNames } from "../names.ts";
import type { GarPlace } from "../place.ts";
import type { ControlPlane } from "./control-plane.ts";

/** What every part of the adapter works with. */
export interface GarContext {
  readonly binding: GarBinding;
  readonly place: GarPlace;
  readonly names: GarNames;
  readonly env: Environment;
  readonly identity: OwnIdentity;
  /** Loads the client of the API at the first call: no part of a credential request. */
  controlPlane(): Promise<ControlPlane>;
}

/** Milliseconds after which the client gives a request up that the core did not give up before. */
const timeoutMs = 10_000;

export type Client = v1.ArtifactRegistryClient;
/** What every request of the client is sent with. Repeating is the core's, so the client's own is off. */
export interface RequestOptions {
  readonly timeout: number;
  readonly retry: null;
  readonly otherArgs: { readonly headers: Readonly<Record<string, string>> };
}

/** One request to Artifact Registry. */
export function rpc<T>(
  context: GarContext,
  call: Call,
  options: RpcOptions,
  send: (client: Client, options: RequestOptions) => Promise<T>,
): Promise<T> {
  const what = `Artifact Registry ${options.action}`;
  return call.upstream(what, async (signal) => {
    try {
      const { client, headers } = await (await context.controlPlane()).open();
      signal.throwIfAborted();
      return await send(client, { timeout: timeoutMs, retry: null, otherArgs: { headers: { ...headers } } });
    } catch (error) {
      signal.throwIfAborted();
      const code = googleCode(error);
      if (code !== undefined && options.expected?.includes(code)) throw error;
      throw translateGoogleError(error, what, neededFor(context, options));
    }
  });
}

export interface RpcOptions {
  /** The method, as `GetIamPolicy`. */
  readonly action: string;
  /** That it needs. */
  readonly permission: string;
  /** What it is needed on; absent means the registry's repository. */
  readonly on?: string;
  /** Codes that mean something to the caller: such an error passes as it is. */
  readonly expected?: readonly number[];
}

/** The permission of a request as a hint names it. */
export function neededFor({ place }: GarContext, { permission, on }: RpcOptions): string {
  return needed(permission, on ?? `the repository ${place.repository}`);
}
