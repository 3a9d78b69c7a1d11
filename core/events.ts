import * as v from "valibot";
import type { Application } from "./application.ts";
import type { EventLog } from "./audit.ts";
import { ArtifactRegistryError, toArtifactRegistryError } from "./errors.ts";
import { eventTimeOf } from "./event-time.ts";
import { checkPayload } from "./json.ts";
import { validate } from "./operation.ts";

/** The CloudEvents type whose data is `setupRepository`'s input. */
export const setupEventType = "dev.alien.artifact-registry.repository.setup";

const oldestMs = 60 * 60 * 1_000;
const clockSkewMs = 5 * 60 * 1_000;

/**
 * The attributes of CloudEvents 1.0.2 (section 3.1) that we need. Extension attributes are allowed. `time` is required,
 * because we refuse old events.
 */
export const setupEvent = v.looseObject({
  specversion: v.literal("1.0"),
  id: v.pipe(v.string(), v.minLength(1, "must not be empty")),
  source: v.pipe(v.string(), v.minLength(1, "must not be empty")),
  type: v.literal(setupEventType),
  time: v.pipe(
    v.string(),
    v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i, "must be an RFC 3339 time"),
    v.check((text) => !Number.isNaN(Date.parse(text)), "must be an RFC 3339 time"),
  ),
  datacontenttype: v.optional(v.pipe(v.string(), v.regex(/^application\/json\s*(?:;|$)/i, "must be application/json"))),
  data: v.record(v.string(), v.unknown()),
});

/** What becomes of an event. Nothing is dropped: an event that can never succeed goes to the dead letters. */
export type EventOutcome =
  | { readonly outcome: "done" }
  | { readonly outcome: "retry"; readonly error: ArtifactRegistryError }
  | { readonly outcome: "dead-letter"; readonly error: ArtifactRegistryError };

/** What a door knows about an event in addition to the event itself. */
export interface EventContext {
  /** The platform's own id of the invocation. Default: a new one. */
  readonly requestId?: string;
  /** Ends the operation. */
  readonly signal?: AbortSignal;
}

/**
 * Handles one CloudEvent. Deliveries repeat and arrive out of order, so handling is idempotent. An event that is too old
 * changes nothing, so a redelivery cannot bring back what was revoked.
 *
 * @returns what to do with the event. It never throws
 *
 * @example
 * const outcome = await handleEvent(application, event, { requestId, signal });
 * await finishDelivery(outcome, { event, requestId, signal }, { deadLetters, log, now });
 */
export async function handleEvent(
  application: Application,
  event: unknown,
  context: EventContext = {},
): Promise<EventOutcome> {
  try {
    if (application.door.accepts !== "events") {
      throw new ArtifactRegistryError("AUTHENTICATION_ERROR", `The ${application.door.name} door is shut for events.`, {
        hint: "Deploy the function with ALIEN_DOOR=events to receive them.",
      });
    }
    const { time, id, source } = validate(setupEvent, checkPayload(event));
    // We take the data as it was sent: the validator silently drops fields with names like `constructor`.
    const { data } = event as { readonly data: unknown };
    const asOf = eventTimeOf(time);
    refuseAge(asOf.at, application.now());
    const answer = await application.run({
      operation: "setupRepository",
      input: () => data,
      evidence: {},
      source: { eventId: id.slice(0, 256), eventSource: source.slice(0, 256) },
      requestId: context.requestId,
      signal: context.signal,
      asOf,
    });
    if (!answer.ok) throw answer.error;
    return { outcome: "done" };
  } catch (thrown) {
    const error = toArtifactRegistryError(thrown);
    return { outcome: error.retryable ? "retry" : "dead-letter", error };
  }
}

function refuseAge(time: Date, now: Date): void {
  const age = now.getTime() - time.getTime();
  if (age > oldestMs) {
    throw new ArtifactRegistryError("RESOURCE_CONFLICT", "The event is older than one hour.", {
      hint: "Access may have been revoked since. Send a new event if it is still wanted.",
      context: { field: "time" },
    });
  }
  // A time in the future would make the event immune to every later revocation.
  if (age < -clockSkewMs) {
    throw new ArtifactRegistryError("INVALID_INPUT", "The event's time lies in the future.", {
      context: { field: "time" },
    });
  }
}

/** Keeps the events that can never succeed, each with its reason. `Event` is what the platform delivers. */
export interface DeadLetters<Event> {
  /** Sends one dead letter. @throws if the letter was not taken. The sender must then keep the event */
  send(event: Event, reason: ArtifactRegistryError, requestId: string, signal: AbortSignal): Promise<void>;
}

/** One event as it was delivered. */
export interface Delivery<Event> {
  /** The event as it arrived. Its dead letter holds it unchanged. */
  readonly event: Event;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly messageId?: string | undefined;
}

/** Where the end of a delivery is told. */
export interface DeliveryOptions<Event> {
  readonly deadLetters: DeadLetters<Event>;
  readonly log: EventLog;
  readonly now: () => Date;
}

/**
 * Ends a delivery. An event that can never succeed goes to the dead letters. If they do not take it, the event is delivered
 * again, so that none is lost. Every event that was not simply handled is logged.
 *
 * @throws the error for which the event must be delivered again
 */
export async function finishDelivery<Event>(
  result: EventOutcome,
  { event, requestId, signal, messageId }: Delivery<Event>,
  { deadLetters, log, now }: DeliveryOptions<Event>,
): Promise<void> {
  if (result.outcome === "done") return;
  let { outcome, error } = result;
  if (outcome === "dead-letter") {
    try {
      await deadLetters.send(event, error, requestId, signal);
    } catch (failure) {
      // The sender still has the event and delivers it again.
      [outcome, error] = ["retry", toArtifactRegistryError(failure)];
    }
  }
  log({
    time: now().toISOString(),
    requestId,
    door: "events",
    event: outcome,
    ...(messageId !== undefined && { messageId }),
    outcome: error.code,
    reason: error.message,
  });
  if (outcome === "retry") throw error;
}
