import type { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import { translateArmError } from "../errors.ts";
import type { OwnIdentity } from "../identity.ts";
import { resourceManager, subscriptionId } from "../place.ts";

export type ArmClient = ContainerRegistryManagementClient;

/** Azure Resource Manager, as the function's own identity. */
export interface Arm {
  /** Loads the client at the first call: no part of a credential request. */
  load(): Promise<LoadedArm>;
}

export interface LoadedArm {
  readonly client: ArmClient;
  readonly restorePoller: typeof import("./client.ts").restorePoller;
}

/** @param loginServer tells the cloud, where it is not the public one */
export function createArm(identity: OwnIdentity, loginServer: string | undefined, env: Environment): Arm {
  return {
    load: once(async () => {
      const subscription = subscriptionId(env);
      const { createClient, restorePoller } = await import("./client.ts");
      return { client: createClient(identity, subscription, resourceManager(loginServer, env)), restorePoller };
    }),
  };
}

export interface ArmRequest {
  /** As `GET scopeMaps`. */
  readonly action: string;
  /** What the request needs: the hint of its denial. */
  readonly permission: string;
  /** A role that has it; absent means the one that also makes scope maps. */
  readonly role?: string;
  /** Which refusals mean something to the caller of this function: such an error passes as it is. */
  readonly expected?: (error: unknown) => boolean;
}

/** One request to Azure Resource Manager. */
export function armRequest<T, Loaded = LoadedArm>(
  arm: { load(): Promise<Loaded> },
  call: Call,
  { action, permission, role, expected }: ArmRequest,
  send: (loaded: Loaded, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const what = `Azure Resource Manager ${action}`;
  return call.upstream(what, async (abortSignal) => {
    try {
      return await send(await arm.load(), { abortSignal });
    } catch (error) {
      abortSignal.throwIfAborted();
      if (expected?.(error)) throw error;
      throw translateArmError(error, { what, hint: deniedHint(permission, role) });
    }
  });
}

const usualRole = "Container Registry Contributor and Data Access Configuration Administrator";

function deniedHint(permission: string, role = usualRole): string {
  return (
    `The function's identity needs ${permission}, as the role ${role} has it. ` +
    "A new role assignment may take 10 minutes to count."
  );
}
