import type { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { type EventHandling, handleOne, type SqsEvent } from "./events.ts";

export interface BatchResult {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * Handles one event for a sender that delivers again what is thrown (EventBridge, asynchronously).
 *
 * @throws the error of an event that may succeed later, and of a dead letter that was not taken
 */
export async function handleDelivery(
  handling: EventHandling,
  deadLetters: DeadLetters,
  event: unknown,
  requestId: string,
): Promise<void> {
  const result = await handleOne(handling, event);
  if (result.outcome === "retry") throw result.error;
  if (result.outcome === "dead-letter") await deadLetters.send(event, result.error, requestId);
}

/** Handles a batch of messages; answers those that shall come again. */
export async function handleBatch(
  handling: EventHandling,
  deadLetters: DeadLetters,
  { Records }: SqsEvent,
  requestId: string,
  onFailure: (messageId: string, error: unknown) => void = () => undefined,
): Promise<BatchResult> {
  const failures = await Promise.all(
    Records.map(async ({ messageId, body }) => {
      try {
        await handleDelivery(handling, deadLetters, parse(body), requestId);
        return [];
      } catch (error) {
        onFailure(messageId, error as ArtifactRegistryError);
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failures.flat() };
}

/** What is no JSON stays the text that it is, and is refused for what it is. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
