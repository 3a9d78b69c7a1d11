import type { Door } from "../../../core/doors.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";

/** Whether requests should be sent here. */
export interface Readiness {
  /** Not before callers can be told apart; and not again once a stop has begun. */
  check(): Promise<"ready" | "starting" | "stopping">;
  stop(): void;
}

/**
 * Ready once the door could be opened, and then until the stop: an issuer that fails later fails for every replica alike,
 * and taking them all away would refuse the other issuers' callers too.
 *
 * @param warn told once, with a sentence, of each issuer that could not be asked
 */
export function createReadiness(door: Door, warn: (message: string) => void): Readiness {
  let opened = door.ready === undefined;
  let stopping = false;
  let said = new Set<string>();
  const tell = (problems: readonly ArtifactRegistryError[]) => {
    for (const { message } of problems) if (!said.has(message)) warn(message);
    said = new Set([...said, ...problems.map(({ message }) => message)]);
  };
  return {
    async check() {
      if (!stopping && !opened) {
        try {
          tell((await door.ready?.()) ?? []);
          opened = true;
        } catch (error) {
          if (!(error instanceof ArtifactRegistryError)) throw error;
          tell([error]);
        }
      }
      if (stopping) return "stopping";
      return opened ? "ready" : "starting";
    },
    stop() {
      stopping = true;
    },
  };
}
