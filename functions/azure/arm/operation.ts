import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Backoff, NotYet, untilReady } from "../../../core/waiting.ts";
import { failedOperation } from "../errors.ts";
import { type Arm, type ArmClient, type ArmRequest, armRequest } from "./arm.ts";

/** The waits between two looks at something that changes by itself. */
export const looks: Backoff = { baseMs: 50, capMs: 2_000 };

/** The part of the client's pollers that is used here. They are thenables: none may be awaited by accident. */
interface Poller<Result> {
  submitted(): Promise<void>;
  poll(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  serialize(): Promise<string>;
  readonly operationState: { readonly status: string; readonly error?: Error; readonly result?: Result } | undefined;
}

/**
 * Starts a long-running operation of Azure Resource Manager and waits for its end. Each look is a request by itself,
 * counted, bounded and repeated as every other one; the client's own waiting would end at the first fault.
 *
 * @returns what it made, which the client has looked at with the last look; undefined for a deletion
 * @throws what the operation ended with
 */
export async function armOperation<Result>(
  arm: Arm,
  call: Call,
  request: ArmRequest,
  start: (client: ArmClient, options: { readonly abortSignal: AbortSignal }) => Poller<Result>,
): Promise<Result | undefined> {
  let state = await armRequest(arm, call, request, async ({ client }, options) => {
    const poller = start(client, options);
    await poller.submitted();
    return stateOf(poller, request);
  });
  const permission = request.permission.replace(/[^/]+$/, "operationStatuses/read");
  const look = { action: `GET operation of ${request.action}`, permission };
  const lookAgain = async () => {
    const { serialized } = state;
    state = await armRequest(arm, call, look, async ({ client, restorePoller }, options) => {
      // What it made is read by the path of the request, whichever operation is named here.
      const poller = restorePoller(client, serialized, client.scopeMaps.create) as unknown as Poller<Result>;
      try {
        await poller.poll(options);
      } catch (error) {
        // The end of the operation, or of the request that looked for it.
        if (error instanceof Error && error.name === "RestError") throw error;
        options.abortSignal.throwIfAborted();
      }
      return stateOf(poller, request);
    });
  };
  const end = async (tries: number) => {
    if (tries > 1) await lookAgain();
    if (!state.done) throw new NotYet(goesOn(request.action));
    return state.result;
  };
  return untilReady(end, call.signal, looks);
}

async function stateOf<Result>(poller: Poller<Result>, { action }: ArmRequest) {
  const { status, error, result } = poller.operationState ?? { status: "running" };
  if (status === "failed" || status === "canceled") throw failedOperation(error, `Azure Resource Manager ${action}`);
  return { done: status === "succeeded", serialized: await poller.serialize(), result };
}

/** Azure has accepted a change and has not finished it within the operation's time. */
export function goesOn(action: string): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `Azure Resource Manager ${action} has begun, and goes on.`, {
    retryable: true,
    hint: "The same call again waits for its end.",
  });
}
