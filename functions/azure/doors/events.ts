import type { InvocationContext } from "@azure/functions";
import * as v from "valibot";
import { toArtifactRegistryError } from "../../../core/errors.ts";
import { type EventOutcome, finishDelivery, handleEvent } from "../../../core/events.ts";
import { parseBytes } from "../../../core/json.ts";
import { validate } from "../../../core/operation.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Suite } from "../../../core/suite.ts";
import { type Backoff, delayMs, pause } from "../../../core/waiting.ts";
import { createOwnIdentity } from "../identity.ts";
import { type DeadLetter, serviceBusDeadLetters } from "./dead-letters.ts";

/** Milliseconds for one event as a whole: the operation, and its dead letter. host.json allows a little more. */
const eventMs = 90_000;

/** Handles one event. @throws for an event that its sender must deliver again */
export interface Receive {
  /** Takes an event in either of Event Grid's schemas. */
  event(event: unknown, requestId: string): Promise<void>;
  /** Takes a message of Service Bus. */
  message(body: unknown, context: Pick<InvocationContext, "invocationId" | "triggerMetadata">): Promise<void>;
}

/**
 * Takes events. It throws if an event may succeed later. An event that can never succeed goes to the dead letters with the
 * reason.
 *
 * @throws BINDING_CONFIG_INVALID where there is no queue for dead letters
 */
export function createReceive({ application, eventLog: log }: Suite, env: Environment): Receive {
  const deadLetters = serviceBusDeadLetters(env, createOwnIdentity(env));
  const { now } = application;

  async function handle(decode: () => unknown, limits: Limits): Promise<EventOutcome> {
    try {
      return await handleEvent(application, decode(), limits);
    } catch (thrown) {
      // What cannot be decoded today cannot be decoded tomorrow.
      return { outcome: "dead-letter", error: toArtifactRegistryError(thrown) };
    }
  }

  return {
    async event(event, requestId) {
      const limits = limitsOf(requestId);
      const outcome = await handle(() => toCloudEvent(event), limits);
      await finishDelivery(outcome, { event: toDeadLetter(event), ...limits }, { deadLetters, log, now });
    },
    async message(body, { invocationId, triggerMetadata }) {
      const limits = limitsOf(invocationId);
      // In binary mode the dead letter is the event that the message stands for, so that nothing of it is lost.
      let event = body;
      const outcome = await handle(() => {
        event = decodeMessage(body, triggerMetadata);
        return event;
      }, limits);
      const { messageId, deliveryCount } = triggerMetadata ?? {};
      // The worker turns ids that look like numbers into numbers.
      const id = messageId === undefined ? {} : { messageId: String(messageId) };
      const delivery = { event: toDeadLetter(event), ...limits, ...id };
      try {
        await finishDelivery(outcome, delivery, { deadLetters, log, now });
      } catch (error) {
        await pause(redeliveryDelayMs(deliveryCount));
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

const redeliveryBackoff: Backoff = { baseMs: 1_000, capMs: 30_000 };

/**
 * How long we keep a message before we give it back. Service Bus delivers an abandoned message again at once, so that all
 * the deliveries of its `maxDeliveryCount` would be over before a short fault is.
 *
 * @param deliveryCount of this delivery, from 1, as the host tells it
 * @returns milliseconds; 0 if the host tells no count
 */
export function redeliveryDelayMs(deliveryCount: unknown): number {
  if (typeof deliveryCount !== "number" || deliveryCount < 1) return 0;
  return delayMs(redeliveryBackoff, deliveryCount);
}

/** Event Grid's own schema (Microsoft Learn, "Azure Event Grid event schema"). */
const eventGridEvent = v.looseObject({
  id: v.string(),
  topic: v.optional(v.string()),
  subject: v.string(),
  eventType: v.string(),
  eventTime: v.string(),
  data: v.unknown(),
});

/** Turns an event in Event Grid's own schema into the CloudEvent that it stands for. Anything else is returned as it came. */
export function toCloudEvent(event: unknown): unknown {
  if (!v.is(eventGridEvent, event) || "specversion" in event) return event;
  const { id, topic, subject, eventType: type, eventTime: time, data } = event;
  return { specversion: "1.0", id, source: topic || subject || "eventgrid", subject, type, time, data };
}

/** The prefix of attributes' names in a message in binary mode (CloudEvents' binding for AMQP, 3.1.2). */
const attributePrefix = /^cloudEvents[:_]/;

/**
 * Decodes the event in a message of Service Bus. It is the whole body, or, in binary mode, the message's properties with
 * the body as the event's data. The worker has parsed a body that is JSON already.
 *
 * @throws INVALID_INPUT, or PAYLOAD_TOO_LARGE
 */
export function decodeMessage(body: unknown, metadata: InvocationContext["triggerMetadata"]): unknown {
  const parsed = body instanceof Uint8Array ? parseBytes(body) : body;
  const properties = validate(v.optional(v.record(v.string(), v.unknown()), {}), metadata?.applicationProperties);
  const attributes = Object.entries(properties).flatMap(([name, value]) =>
    attributePrefix.test(name) ? [[name.replace(attributePrefix, ""), value] as const] : [],
  );
  if (attributes.length === 0) return toCloudEvent(parsed);
  const type = metadata?.contentType;
  return {
    ...Object.fromEntries(attributes),
    ...(typeof type === "string" && type !== "" && { datacontenttype: type }),
    data: parsed,
  };
}

/** Makes a dead letter of an event as it came. */
export function toDeadLetter(event: unknown): DeadLetter {
  if (event instanceof Uint8Array) {
    return { body: Uint8Array.from(event), contentType: "application/octet-stream" };
  }
  if (typeof event === "string") return { body: event, contentType: "text/plain; charset=utf-8" };
  const isCloudEvent = typeof event === "object" && event !== null && "specversion" in event;
  const contentType = isCloudEvent ? "application/cloudevents+json" : "application/json";
  return { body: JSON.stringify(event ?? null), contentType };
}
