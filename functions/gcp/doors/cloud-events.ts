import * as v from "valibot";
import { parseBytes } from "../../../core/json.ts";
import { validate } from "../../../core/operation.ts";

/** A message as Pub/Sub takes it and delivers it. */
export interface PubsubMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
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
