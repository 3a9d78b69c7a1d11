import { setTimeout as sleep } from "node:timers/promises";
import type { InvocationContext } from "@azure/functions";
import { toArtifactRegistryError } from "../../../core/errors.ts";
import { type EventOutcome, finishDelivery, handleEvent } from "../../../core/events.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Suite } from "../../../core/suite.ts";
import { createOwnIdentity } from "../identity.ts";
import { serviceBusDeadLetters } from "./dead-letters.ts";
import { letterOf, toCloudEvent, toEvent } from "./event-shapes.ts";
import { pauseMs } from "./pause.ts";

/** Milliseconds for one event as a whole: the operation, and its dead letter; host.json gives a little more. */
const eventMs = 90_000;

/** Handles one event. @throws what its sender shall deliver again */
export interface Receive {
  /** In either schema of Event Grid's. */
  event(event: unknown, requestId: string): Promise<void>;
  /** A message of Service Bus. */
  message(body: unknown, context: Pick<InvocationContext, "invocationId" | "triggerMetadata">): Promise<void>;
}

/**
 * Takes events. What may succeed later is thrown; what never can goes to the dead letters with its reason.
 *
 * @throws BINDING_CONFIG_INVALID where there is no queue for dead letters
 */
export function createReceive({ application, eventLog: log }: Suite, env: Environment): Receive {
  const deadLetters = serviceBusDeadLetters(env, createOwnIdentity(env));
  const { now } = application;

  async function handle(read: () => unknown, limits: Limits): Promise<EventOutcome> {
    try {
      return await handleEvent(application, read(), limits);
    } catch (thrown) {
      // Whatever could not be unpacked today cannot be tomorrow.
      return { outcome: "dead-letter", error: toArtifactRegistryError(thrown) };
    }
  }

  return {
    async event(event, requestId) {
      const limits = limitsOf(requestId);
      const outcome = await handle(() => toCloudEvent(event), limits);
      await finishDelivery(outcome, { event: letterOf(event), ...limits }, { deadLetters, log, now });
    },
    async message(body, { invocationId, triggerMetadata }) {
      const limits = limitsOf(invocationId);
      // In binary mode the letter is the event that the message stands for, so that nothing of it is lost.
      let event = body;
      const outcome = await handle(() => {
        event = toEvent(body, triggerMetadata);
        return event;
      }, limits);
      const { messageId, deliveryCount } = triggerMetadata ?? {};
      // The worker makes numbers of those that look like one.
      const named = messageId === undefined ? {} : { messageId: String(messageId) };
      const delivery = { event: letterOf(event), ...limits, ...named };
      try {
        await finishDelivery(outcome, delivery, { deadLetters, log, now });
      } catch (error) {
        await sleep(pauseMs(deliveryCount));
        throw error;
      }
    },
  };
}

interface Limits {
  readonly requestId: string;
  readonly signal: AbortSignal;
}

function limitsOf(requestId: string): Limits {
  return { requestId, signal: AbortSignal.timeout(eventMs) };
}
