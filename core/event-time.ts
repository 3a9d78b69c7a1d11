import { ArtifactRegistryError } from "./errors.ts";

/** When an event happened, as exactly as its own time tells. */
export interface EventTime {
  readonly at: Date;
  /** Whether the sender cut the time to whole seconds, as EventBridge does: the event happened within a second from `at`. */
  readonly isCut: boolean;
}

/**
 * Reads the time of an event.
 *
 * @param text as RFC 3339 writes it. Without a fraction of a second it counts as cut; a fraction of zero is exact
 *
 * @example
 * eventTimeOf("2026-05-06T07:08:09Z"); // { at: …, isCut: true }
 */
export function eventTimeOf(text: string): EventTime {
  return { at: new Date(text), isCut: !/:\d{2}\.\d/.test(text) };
}

/**
 * Refuses an event of before the last revocation, and one of which nobody can tell whether it was: what was revoked must not
 * come back.
 *
 * @param lastRevoked to the millisecond; absent where nothing was revoked
 * @throws RESOURCE_CONFLICT (not retryable) that says which of both it is
 */
export function refuseStale({ at, isCut }: EventTime, lastRevoked: Date | undefined): void {
  if (lastRevoked === undefined || at > lastRevoked) return;
  if (!isCut || at.getTime() + 1_000 <= lastRevoked.getTime()) {
    throw refused("Access was revoked after the event was sent.", "Send a new event if it is still wanted.");
  }
  throw refused(
    "Access was revoked in the second in which the event was sent; its time does not tell which came first.",
    "Send it again if it is still wanted. A time with milliseconds tells the order: EventBridge cuts its own, so send a CloudEvent, with a time of its own, as the detail.",
  );
}

function refused(message: string, hint: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", message, { hint, context: { field: "time" } });
}
