import * as v from "valibot";
import { invalidInput, toArtifactRegistryError } from "../../../core/errors.ts";
import { type EventOutcome, finishDelivery, handleEvent } from "../../../core/events.ts";
import { parseBytes } from "../../../core/json.ts";
import { validate } from "../../../core/operation.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Suite } from "../../../core/suite.ts";
import { createOwnIdentity } from "../auth.ts";
import { type PubsubMessage, pubsubDeadLetters } from "./dead-letters.ts";

/** Handles one event. @throws for an event that its sender must deliver again */
export type Receive = (event: unknown, context: ReceiveContext) => Promise<void>;

export interface ReceiveContext {
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/**
 * Takes CloudEvents, which come directly or in messages of Pub/Sub. For an event that may succeed later it throws; one that
 * never can goes to the dead letters with its reason.
 *
 * @throws BINDING_CONFIG_INVALID where there is no topic for dead letters
 */
export function createReceive(suite: Suite, env: Environment): Receive {
  const deadLetters = pubsubDeadLetters(env, createOwnIdentity(env));
  const { eventLog: log, application } = suite;

  async function handle(event: CloudEvent, context: ReceiveContext): Promise<EventOutcome> {
    try {
      return await handleEvent(application, decodeEvent(event), context);
    } catch (thrown) {
      // What cannot be decoded today cannot be decoded tomorrow.
      return { outcome: "dead-letter", error: toArtifactRegistryError(thrown) };
    }
  }

  return async (event, context) => {
    if (!isCloudEvent(event)) {
      const hint = "Every door has a function of its own. ALIEN_DOOR says which door this one is.";
      throw invalidInput("This function takes CloudEvents only.", undefined, hint);
    }
    const delivery = { event: toDeadLetter(event), messageId: messageIdOf(event), ...context };
    await finishDelivery(await handle(event, context), delivery, { deadLetters, log, now: application.now });
  };
}

const cloudEvent = v.looseObject({ specversion: v.string(), id: v.string(), source: v.string(), type: v.string() });
type CloudEvent = v.InferOutput<typeof cloudEvent>;

/** The type of the event that Eventarc makes of a message (googleapis/google-cloudevents, MessagePublishedData). */
const messagePublished = "google.cloud.pubsub.topic.v1.messagePublished";
const publishedData = v.looseObject({
  message: v.looseObject({
    data: v.optional(v.pipe(v.string(), v.base64("must be base64")), ""),
    attributes: v.optional(v.record(v.string(), v.string()), {}),
    messageId: v.optional(v.string()),
  }),
});

function isCloudEvent(event: unknown): event is CloudEvent {
  return v.is(cloudEvent, event);
}

/**
 * Decodes the event that the sender meant: the event itself, or the one in a message of Pub/Sub. A message is read as the
 * Pub/Sub binding of CloudEvents says (googleapis/google-cloudevents, docs/spec/pubsub.md). If its attribute `content-type`
 * is `application/cloudevents+json`, its data is the whole event. If it has `ce-` attributes, these are the event's
 * attributes, and its data is the event's data. If it has neither, it is no event to that binding; we take its data for the
 * whole event all the same.
 *
 * @throws INVALID_INPUT, or PAYLOAD_TOO_LARGE
 */
function decodeEvent(event: CloudEvent): unknown {
  if (event.type !== messagePublished) return event;
  const { data, attributes } = pubsubMessageIn(event);
  const contentType = attributes["content-type"];
  const isStructured = contentType?.startsWith("application/cloudevents") || !("ce-specversion" in attributes);
  if (isStructured) return parseBytes(data);
  const eventAttributes = Object.entries(attributes).flatMap(([name, value]) =>
    name.startsWith("ce-") ? [[name.slice("ce-".length), value] as const] : [],
  );
  return {
    ...Object.fromEntries(eventAttributes),
    ...(contentType !== undefined && { datacontenttype: contentType }),
    data: parseBytes(data),
  };
}

/** The dead letter for an event: the message in which it came, or a new one around an event that came directly. */
function toDeadLetter(event: CloudEvent): PubsubMessage {
  if (event.type === messagePublished && v.is(publishedData, event.data)) return pubsubMessageIn(event);
  const { data, ...attributes } = event;
  const whole =
    data instanceof Uint8Array ? { ...attributes, data_base64: Buffer.from(data).toString("base64") } : event;
  return { data: Buffer.from(JSON.stringify(whole)), attributes: { "content-type": "application/cloudevents+json" } };
}

/** The id that Pub/Sub gave the message, if the event came in one. */
function messageIdOf({ type, data }: CloudEvent): string | undefined {
  return type === messagePublished && v.is(publishedData, data) ? data.message.messageId : undefined;
}

function pubsubMessageIn(event: CloudEvent): PubsubMessage {
  const { message } = validate(publishedData, event.data);
  return { data: Buffer.from(message.data, "base64"), attributes: message.attributes };
}
