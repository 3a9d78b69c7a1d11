import type { InvocationContext } from "@azure/functions";
import * as v from "valibot";
import { parseBytes } from "../../../core/json.ts";
import { validate } from "../../../core/operation.ts";

/** Event Grid's own schema (Microsoft Learn, "Azure Event Grid event schema"). */
const eventGridEvent = v.looseObject({
  id: v.string(),
  topic: v.optional(v.string()),
  subject: v.string(),
  eventType: v.string(),
  eventTime: v.string(),
  data: v.unknown(),
});

/** How the names of attributes begin in a message in binary mode (CloudEvents' binding for AMQP, 3.1.2). */
const prefix = /^cloudEvents[:_]/;

/** What becomes of an event that can never succeed: its text, and what that is. */
export interface Letter {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/** The CloudEvent that is meant: what came, or what an event in Event Grid's own schema stands for. */
export function toCloudEvent(event: unknown): unknown {
  if (!v.is(eventGridEvent, event) || "specversion" in event) return event;
  const { id, topic, subject, eventType: type, eventTime: time, data } = event;
  return { specversion: "1.0", id, source: topic || subject || "eventgrid", subject, type, time, data };
}

/**
 * The event in a message of Service Bus: the whole body, or, in binary mode, the message's properties with the body as
 * its data. The worker has read a body that is JSON already.
 *
 * @throws INVALID_INPUT, or PAYLOAD_TOO_LARGE
 */
export function toEvent(body: unknown, metadata: InvocationContext["triggerMetadata"]): unknown {
  const read = body instanceof Uint8Array ? parseBytes(body) : body;
  const properties = validate(v.optional(v.record(v.string(), v.unknown()), {}), metadata?.applicationProperties);
  const attributes = Object.entries(properties).flatMap(([name, value]) =>
    prefix.test(name) ? [[name.replace(prefix, ""), value] as const] : [],
  );
  if (attributes.length === 0) return toCloudEvent(read);
  const type = metadata?.contentType;
  return {
    ...Object.fromEntries(attributes),
    ...(typeof type === "string" && type !== "" && { datacontenttype: type }),
    data: read,
  };
}

export function letterOf(event: unknown): Letter {
  if (event instanceof Uint8Array) {
    return { body: Uint8Array.from(event), contentType: "application/octet-stream" };
  }
  if (typeof event === "string") return { body: event, contentType: "text/plain; charset=utf-8" };
  const isCloudEvent = typeof event === "object" && event !== null && "specversion" in event;
  const contentType = isCloudEvent ? "application/cloudevents+json" : "application/json";
  return { body: JSON.stringify(event ?? null), contentType };
}
