/** Requests to Azure Resource Manager. */
import type { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";
import type { Call, UpstreamOptions } from "../../../core/call.ts";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import { translateArmError } from "../errors.ts";
import type { OwnIdentity } from "../identity.ts";
import { resourceManager, subscriptionId } from "../place.ts";

export type ArmClient = ContainerRegistryManagementClient;

/** Azure Resource Manager, under the function's own identity. */
export interface Arm {
  /** Loads the client at the first call, because a request for credentials does without it. */
  load(): Promise<LoadedArm>;
}

export interface LoadedArm {
  readonly client: ArmClient;
  /** A client for another version of the interface, as a preview with what the client's own version lacks. */
  clientOf(apiVersion: string): ArmClient;
  readonly restorePoller: typeof import("./client.ts").restorePoller;
}

/**
 * Opens Azure Resource Manager of the cloud that the registry is in.
 *
 * @param loginServer tells the cloud; if it is undefined, the location of the function does
 */
export function createArm(identity: OwnIdentity, loginServer: string | undefined, env: Environment): Arm {
  return {
    load: once(async () => {
      const subscription = subscriptionId(env);
      const { createClient, restorePoller } = await import("./client.ts");
      const clientOf = (apiVersion?: string) =>
        createClient(identity, subscription, resourceManager(loginServer, env), apiVersion);
      return { client: clientOf(), clientOf, restorePoller };
    }),
  };
}

export interface ArmRequest {
  /** The method and the kind of resource, as `GET scopeMaps`. */
  readonly action: string;
  /** The permission that the request requires. The hint of a denial names it. */
  readonly permission: string;
  /** A role that has the permission. Default: the role that also makes scope maps. */
  readonly role?: string;
  /** Tells which refusals the caller handles: such an error is thrown untranslated. */
  readonly expected?: (error: unknown) => boolean;
  /** How long a try may take, and how often the request is sent, where that differs from other requests. */
  readonly upstream?: UpstreamOptions;
}

export interface ArmOptions {
  readonly abortSignal: AbortSignal;
}

/** Sends one request to Azure Resource Manager. */
export function armRequest<T, Loaded = LoadedArm>(
  arm: { load(): Promise<Loaded> },
  call: Call,
  { action, permission, role, expected, upstream }: ArmRequest,
  send: (loaded: Loaded, options: ArmOptions) => Promise<T>,
): Promise<T> {
  const what = `Azure Resource Manager ${action}`;
  const attempt = async (abortSignal: AbortSignal) => {
    try {
      return await send(await arm.load(), { abortSignal });
    } catch (error) {
      abortSignal.throwIfAborted();
      if (expected?.(error)) throw error;
      throw translateArmError(error, { what, hint: deniedHint(permission, role) });
    }
  };
  return call.upstream(what, attempt, upstream);
}

const defaultRole = "Container Registry Contributor and Data Access Configuration Administrator";

function deniedHint(permission: string, role = defaultRole): string {
  return (
    `The function's identity needs ${permission}, which the role ${role} includes. ` +
    "A new role assignment may take 10 minutes to count."
  );
}
