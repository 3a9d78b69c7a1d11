import type { DeadLetters } from "./dead-letters.ts";
import { toArtifactRegistryError } from "./errors.ts";
import type { EventLog } from "./event-log.ts";
import type { EventOutcome } from "./events.ts";

/** One event as it was delivered. */
export interface Delivery<Event> {
  /** The event as it came: what its dead letter holds. */
  readonly event: Event;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly messageId?: string | undefined;
}

export interface SettleOptions<Event> {
  readonly deadLetters: DeadLetters<Event>;
  readonly log: EventLog;
  readonly now: () => Date;
}

/**
 * Ends a delivery: what can never succeed goes to the dead letters, and what was not simply handled is logged. Nothing is
 * dropped: where the dead letter is not taken, the event shall come again.
 *
 * @throws what shall be delivered again
 */
export async function settle<Event>(
  result: EventOutcome,
  { event, requestId, signal, messageId }: Delivery<Event>,
  { deadLetters, log, now }: SettleOptions<Event>,
): Promise<void> {
  if (result.outcome === "done") return;
  let { outcome, error } = result;
  if (outcome === "dead-letter") {
    try {
      await deadLetters.send(event, error, requestId, signal);
    } catch (failure) {
      // The sender still has the event, and delivers it again.
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
