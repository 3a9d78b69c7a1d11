import * as v from "valibot";
import { invalidInput, toArtifactRegistryError } from "../../../core/errors.ts";
import { type EventOutcome, finishDelivery, handleEvent } from "../../../core/events.ts";
import { parseBytes } from "../../../core/json.ts";
import { validate } from "../../../core/operation.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Suite } from "../../../core/suite.ts";
import { createOwnIdentity } from "../auth.ts";
import { type PubsubMessage, pubsubDeadLetters } from "./dead-letters.ts";

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

const cloudEvent = v.looseObject({ specversion: v.string(), id: v.string(), source: v.string(), type: v.string() });
export type CloudEvent = v.InferOutput<typeof cloudEvent>;

/** What Eventarc makes of a message (googleapis/google-cloudevents, MessagePublishedData). */
const messagePublished = "google.cloud.pubsub.topic.v1.messagePublished";
const published = v.looseObject({
  message: v.looseObject({
    data: v.optional(v.pipe(v.string(), v.base64("must be base64")), ""),
    attributes: v.optional(v.record(v.string(), v.string()), {}),
    messageId: v.optional(v.string()),
  }),
});

export function isCloudEvent(event: unknown): event is CloudEvent {
  return v.is(cloudEvent, event);
}

/**
 * The event that is meant: what came, or what a message of Pub/Sub holds. A message is read as CloudEvents' binding for
 * Pub/Sub says (googleapis/google-cloudevents, docs/spec/pubsub.md): with the attribute `content-type:
 * application/cloudevents+json` its data is the whole event; with `ce-` attributes they are the event's, and its data is
 * the event's data. With neither, where the binding knows no event, its data is taken for the whole event too.
 *
 * @throws INVALID_INPUT, or PAYLOAD_TOO_LARGE
 */
export function toSetupEvent(event: CloudEvent): unknown {
  if (event.type !== messagePublished) return event;
  const { data, attributes } = messageIn(event);
  const contentType = attributes["content-type"];
  const isStructured = contentType?.startsWith("application/cloudevents") || !("ce-specversion" in attributes);
  if (isStructured) return parseBytes(data);
  const own = Object.entries(attributes).flatMap(([name, value]) =>
    name.startsWith("ce-") ? [[name.slice("ce-".length), value] as const] : [],
  );
  return {
    ...Object.fromEntries(own),
    ...(contentType !== undefined && { datacontenttype: contentType }),
    data: parseBytes(data),
  };
}

/** What becomes a dead letter: the message as it came; an event that came by itself, as a message. */
export function letterOf(event: CloudEvent): PubsubMessage {
  if (event.type === messagePublished && v.is(published, event.data)) return messageIn(event);
  const { data, ...attributes } = event;
  const whole =
    data instanceof Uint8Array ? { ...attributes, data_base64: Buffer.from(data).toString("base64") } : event;
  return { data: Buffer.from(JSON.stringify(whole)), attributes: { "content-type": "application/cloudevents+json" } };
}

/** Pub/Sub's own name for the message, where the event is one. */
export function messageIdOf({ type, data }: CloudEvent): string | undefined {
  return type === messagePublished && v.is(published, data) ? data.message.messageId : undefined;
}

function messageIn(event: CloudEvent): PubsubMessage {
  const { message } = validate(published, event.data);
  return { data: Buffer.from(message.data, "base64"), attributes: message.attributes };
}
