import type { Caller } from "./caller.ts";

/** One line per operation. Holds nothing that is secret and nothing of another tenant. */
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
