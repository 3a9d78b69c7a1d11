/** Long-running operations: changes that Azure Resource Manager accepts at once, and carries out afterwards. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { failedOperation } from "../errors.ts";
import { type Arm, type ArmClient, type ArmOptions, type ArmRequest, armRequest } from "./requests.ts";

/** The waits between two polls of something that changes without our help. */
export const pollBackoff: Backoff = { baseMs: 50, capMs: 2_000 };

/** The part of the client's pollers that we use. They are thenables, so be careful not to await one by accident. */
interface Poller<Result> {
  submitted(): Promise<void>;
  poll(options: ArmOptions): Promise<unknown>;
  serialize(): Promise<string>;
  readonly operationState: { readonly status: string; readonly error?: Error; readonly result?: Result } | undefined;
}

/** Sends the request that starts an operation. */
export type StartOperation<Result> = (client: ArmClient, options: ArmOptions) => Poller<Result>;

/**
 * Starts an operation and waits until it has ended. Each poll is a request of its own, which is counted, limited in time
 * and repeated as any other. The client's own waiting would end at the first fault.
 *
 * @returns what the operation made, which the client got with the last poll; undefined for a deletion
 * @throws the error with which the operation ended
 */
export async function runOperation<Result>(
  arm: Arm,
  call: Call,
  request: ArmRequest,
  start: StartOperation<Result>,
): Promise<Result | undefined> {
  let state = await armRequest(arm, call, request, async ({ client }, options) => {
    const poller = start(client, options);
    await poller.submitted();
    return stateOf(poller, request);
  });
  const permission = request.permission.replace(/[^/]+$/, "operationStatuses/read");
  const pollRequest = { action: `GET operation of ${request.action}`, permission };
  const poll = async () => {
    const { serialized } = state;
    state = await armRequest(arm, call, pollRequest, async ({ client, restorePoller }, options) => {
      // The client reads the result from the path of the serialized request, whichever operation is named here.
      const poller = restorePoller(client, serialized, client.scopeMaps.create) as unknown as Poller<Result>;
      try {
        await poller.poll(options);
      } catch (error) {
        // The poll itself failed. Any other error is that of the operation, which its state tells, too.
        if (error instanceof Error && error.name === "RestError") throw error;
        options.abortSignal.throwIfAborted();
      }
      return stateOf(poller, request);
    });
  };
  const ended = async (tries: number) => {
    if (tries > 1) await poll();
    if (!state.done) throw new NotYet(stillRunning(request.action));
    return state.result;
  };
  return untilReady(ended, call.signal, pollBackoff);
}

async function stateOf<Result>(poller: Poller<Result>, { action }: ArmRequest) {
  const { status, error, result } = poller.operationState ?? { status: "running" };
  if (status === "failed" || status === "canceled") throw failedOperation(error, `Azure Resource Manager ${action}`);
  return { done: status === "succeeded", serialized: await poller.serialize(), result };
}

/** Azure accepted a change and did not finish it within the time of our operation. */
export function stillRunning(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `Azure Resource Manager ${action} has begun and is still running.`, {
    retryable: true,
    hint: "The same call again waits for its end.",
  });
}
