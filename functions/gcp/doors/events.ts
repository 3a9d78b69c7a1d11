import { invalidInput, toArtifactRegistryError } from "../../../core/errors.ts";
import { type EventOutcome, finishDelivery, handleEvent } from "../../../core/events.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Suite } from "../../../core/suite.ts";
import { createOwnIdentity } from "../auth.ts";
import { type CloudEvent, isCloudEvent, letterOf, messageIdOf, toSetupEvent } from "./cloud-events.ts";
import { pubsubDeadLetters } from "./dead-letters.ts";

/** Handles one event. @throws what its sender shall deliver again */
export type Receive = (event: unknown, context: ReceiveContext) => Promise<void>;

export interface ReceiveContext {
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/**
 * Takes CloudEvents, by themselves or in messages of Pub/Sub. What may succeed later is thrown; what never can goes to the
 * dead letters with its reason.
 *
 * @throws BINDING_CONFIG_INVALID where there is no topic for dead letters
 */
export function createReceive(suite: Suite, env: Environment): Receive {
  const deadLetters = pubsubDeadLetters(env, createOwnIdentity(env));
  const { eventLog: log, application } = suite;

  async function handle(event: CloudEvent, context: ReceiveContext): Promise<EventOutcome> {
    try {
      return await handleEvent(application, toSetupEvent(event), context);
    } catch (thrown) {
      // Whatever could not be unpacked today cannot be tomorrow.
      return { outcome: "dead-letter", error: toArtifactRegistryError(thrown) };
    }
  }

  return async (event, context) => {
    if (!isCloudEvent(event)) {
      const hint = "Each way in has a function of its own; ALIEN_DOOR names this one's.";
      throw invalidInput("This function takes CloudEvents, and nothing else.", undefined, hint);
    }
    const delivery = { event: letterOf(event), messageId: messageIdOf(event), ...context };
    await finishDelivery(await handle(event, context), delivery, { deadLetters, log, now: application.now });
  };
}
