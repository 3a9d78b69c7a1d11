import type { Caller } from "./caller.ts";
import type { ArtifactRegistryError } from "./errors.ts";

/** One line per operation. It holds no secret and nothing of another tenant. */
export interface AuditLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly door: string;
  readonly caller?: Caller;
  readonly registry?: string;
  readonly operation?: string;
  readonly repoId?: string;
  /** `OK` or an error code. */
  readonly outcome: string;
  readonly milliseconds: number;
  readonly upstreamCalls: number;
}

export type Audit = (line: AuditLine) => void;

/** Writes JSON lines to the standard output, where every platform's log collector reads. */
export const auditToStdout: Audit = (line) => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Tells what became of an event that was not simply handled. Only an operation that ran has an audit line as well. */
export interface EventLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly door: "events";
  readonly event: "retry" | "dead-letter";
  /** The sender's own id of the delivery, where it has one. */
  readonly messageId?: string;
  readonly outcome: ArtifactRegistryError["code"];
  readonly reason: string;
}

export type EventLog = (line: EventLine) => void;

/** Writes JSON lines to the standard output, as the audit log does. */
export const eventLogToStdout: EventLog = (line) => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
