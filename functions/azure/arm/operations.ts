/** Long-running operations: changes that Azure Resource Manager accepts at once, and carries out afterwards. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { failedOperation, passesByItself, translateArmError } from "../errors.ts";
import { type Arm, type ArmClient, type ArmOptions, type ArmRequest, armRequest } from "./requests.ts";

/** The waits between two polls of something that changes without our help. */
export const pollBackoff: Backoff = { baseMs: 50, capMs: 2_000 };

/** The part of the client's pollers that we use. They are thenables, so be careful not to await one by accident. */
interface Poller {
  submitted(): Promise<void>;
  poll(options: ArmOptions): Promise<unknown>;
  serialize(): Promise<string>;
  readonly operationState: { readonly status: string; readonly error?: Error; readonly result?: unknown } | undefined;
}

/** Sends the request that starts an operation. It must be idempotent: where Azure asks us to wait, it is sent again. */
export type StartOperation = (client: ArmClient, options: ArmOptions) => Poller;

/** A resource, as far as it tells whether an operation on it has ended. */
interface Changing {
  readonly provisioningState?: string;
}

export interface OperationRequest<Resource extends Changing> extends ArmRequest {
  /** Gets the resource itself; undefined if there is none. */
  readonly look: () => Promise<Resource | undefined>;
  /** Called once Azure has taken the change. */
  readonly onStarted?: () => void;
}

/**
 * Starts an operation and waits until it has ended. Each poll is a request of its own, which is counted, limited in time
 * and repeated as any other. The client's own waiting would end at the first fault.
 *
 * A conflict that passes by itself is waited for as long as the call lasts. Whoever may not look at the operation looks at the resource:
 * the place of a deletion's operation is the subscription's, where a role on the registry gives no right.
 *
 * @returns what the operation made, which the client got with the last poll; undefined for a deletion
 * @throws the error with which the operation ended
 */
export async function runOperation<Resource extends Changing>(
  arm: Arm,
  call: Call,
  request: OperationRequest<Resource>,
  start: StartOperation,
): Promise<Resource | undefined> {
  const { action } = request;
  const isOurs = (error: unknown) => passesByItself(error) && request.expected?.(error) !== true;
  const expected = (error: unknown) => passesByItself(error) || request.expected?.(error) === true;
  const begin = async () => {
    try {
      return await armRequest(arm, call, { ...request, expected }, async ({ client }, options) => {
        const poller = start(client, options);
        await poller.submitted();
        return stateOf(poller, action);
      });
    } catch (error) {
      if (isOurs(error)) {
        throw new NotYet(translateArmError(error, { what: `Azure Resource Manager ${action}`, hint: "" }));
      }
      throw error;
    }
  };
  let state = await untilReady(begin, call.signal, pollBackoff);
  request.onStarted?.();

  const permission = request.permission.replace(/[^/]+$/, "operationStatuses/read");
  const pollRequest = { action: `GET operation of ${action}`, permission };
  const poll = async () => {
    const { serialized } = state;
    state = await armRequest(arm, call, pollRequest, async ({ client, restorePoller }, options) => {
      // The client reads the result from the path of the serialized request, whichever operation is named here.
      const poller = restorePoller(client, serialized, client.scopeMaps.create) as unknown as Poller;
      try {
        await poller.poll(options);
      } catch (error) {
        // The poll itself failed. Any other error is that of the operation, which its state tells, too.
        if (error instanceof Error && error.name === "RestError") throw error;
        options.abortSignal.throwIfAborted();
      }
      return stateOf(poller, action);
    });
  };
  let mayPoll = true;
  let looks = 0;
  const ended = async (tries: number) => {
    if (tries > 1 && mayPoll) {
      await poll().catch((error: unknown) => {
        if (!(error instanceof ArtifactRegistryError) || error.code !== "ACCESS_DENIED") throw error;
        mayPoll = false;
      });
    }
    if (!mayPoll) return endOf(await request.look(), action, ++looks);
    if (!state.done) throw new NotYet(stillRunning(action));
    return (state.result ?? undefined) as Resource | undefined;
  };
  return untilReady(ended, call.signal, pollBackoff);
}

async function stateOf(poller: Poller, action: string) {
  const { status, error, result } = poller.operationState ?? { status: "running" };
  if (status === "failed" || status === "canceled") throw failedOperation(error, `Azure Resource Manager ${action}`);
  return { done: status === "succeeded", serialized: await poller.serialize(), result };
}

/** How often we look at a resource that shows no sign of its deletion, until we take the deletion for failed: that is about three seconds. */
const looksForDeletion = 7;

/** @returns the resource if it tells that the operation has ended. @throws NotYet, or that the operation failed */
function endOf<Resource extends Changing>(
  resource: Resource | undefined,
  action: string,
  looks: number,
): Resource | undefined {
  const { provisioningState = "" } = resource ?? {};
  const isDeletion = action.startsWith("DELETE");
  const isUntouched = isDeletion && provisioningState === "Succeeded" && looks >= looksForDeletion;
  if (/^(?:Failed|Canceled)$/.test(provisioningState) || isUntouched) {
    throw new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `Azure Resource Manager ${action} has begun, and failed.`, {
      retryable: true,
      hint: "The same call again finishes it.",
    });
  }
  const hasEnded = isDeletion ? resource === undefined : provisioningState === "Succeeded";
  if (!hasEnded) throw new NotYet(stillRunning(action));
  return resource;
}

/** Azure accepted a change and did not finish it within the time of our operation. */
export function stillRunning(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `Azure Resource Manager ${action} has begun and is still running.`, {
    retryable: true,
    hint: "The same call again waits for its end.",
  });
}
