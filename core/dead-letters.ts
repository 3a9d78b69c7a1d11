import type { ArtifactRegistryError } from "./errors.ts";

/** Where events go that can never succeed, each with its reason. `Event` is what the platform delivers. */
export interface DeadLetters<Event> {
  /** @throws when the letter was not taken: whoever sent the event must then keep it */
  send(event: Event, reason: ArtifactRegistryError, requestId: string, signal: AbortSignal): Promise<void>;
}
