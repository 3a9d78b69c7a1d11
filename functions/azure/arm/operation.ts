import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { failedOperation } from "../errors.ts";
import { type Arm, type ArmClient, type ArmRequest, armRequest } from "./arm.ts";

/** Milliseconds between two looks at an operation: the first, growing to the last. */
const looks = { firstMs: 50, lastMs: 2_000 } as const;

/** The part of the client's pollers that is used here. They are thenables: none may be awaited by accident. */
interface Poller {
  submitted(): Promise<void>;
  poll(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  serialize(): Promise<string>;
  readonly operationState: { readonly status: string; readonly error?: Error } | undefined;
}

/**
 * Starts a long-running operation of Azure Resource Manager and waits for its end. Each look is a request by itself,
 * counted, bounded and repeated as every other one; the client's own waiting would end at the first fault.
 *
 * @throws what the operation ended with
 */
export async function armOperation(
  arm: Arm,
  call: Call,
  request: ArmRequest,
  start: (client: ArmClient, options: { readonly abortSignal: AbortSignal }) => Poller,
): Promise<void> {
  let state = await armRequest(arm, call, request, async ({ client }, options) => {
    const poller = start(client, options);
    await poller.submitted();
    return stateOf(poller, request);
  });
  const look = { action: `GET operation of ${request.action}`, permission: request.permission };
  for (let wait: number = looks.firstMs; !state.done; wait = Math.min(wait * 2, looks.lastMs)) {
    await pause(wait, request, call);
    const { serialized } = state;
    state = await armRequest(arm, call, look, async ({ client, restorePoller }, options) => {
      const poller: Poller = restorePoller(client, serialized, client.scopeMaps.create);
      try {
        await poller.poll(options);
      } catch (error) {
        // The end of the operation, or of the request that looked for it.
        if (error instanceof Error && error.name === "RestError") throw error;
        options.abortSignal.throwIfAborted();
      }
      return stateOf(poller, request);
    });
  }
}

async function stateOf(poller: Poller, { action }: ArmRequest): Promise<{ done: boolean; serialized: string }> {
  const { status, error } = poller.operationState ?? { status: "running" };
  if (status === "failed" || status === "canceled") throw failedOperation(error, `Azure Resource Manager ${action}`);
  return { done: status === "succeeded", serialized: await poller.serialize() };
}

async function pause(milliseconds: number, { action }: ArmRequest, call: Call): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: call.signal });
  } catch (cause) {
    throw new ArtifactRegistryError("TIMEOUT", `Azure Resource Manager ${action} has begun, and goes on.`, {
      retryable: true,
      hint: "The same call again waits for its end.",
      cause,
    });
  }
}
