import type { ArtifactRegistryError } from "./errors.ts";

/** What became of an event that was not simply handled. Beside the audit line, which only an operation that ran has. */
export interface EventLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly door: "events";
  readonly event: "retry" | "dead-letter";
  /** The sender's own name for the delivery, where it has one. */
  readonly messageId?: string;
  readonly outcome: ArtifactRegistryError["code"];
  readonly reason: string;
}

export type EventLog = (line: EventLine) => void;

/** Writes JSON lines to the standard output, as the audit log does. */
export const eventLogToStdout: EventLog = (line) => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
