import type { AuthenticatedCaller, Caller } from "./caller.ts";
import type { ArtifactRegistryError } from "./errors.ts";
import type { Permissions } from "./schemas.ts";

/** Where a request came from, as far as the platform tells. */
export interface Source {
  /** The remote address. */
  readonly address?: string;
  readonly userAgent?: string;
  /** The id and the source of the event that asked. */
  readonly eventId?: string;
  readonly eventSource?: string;
}

/** What the caller asked for, beside the registry, the operation and the repository. */
export interface AskedFor {
  readonly permissions?: Permissions;
  /** From which other repositories the credentials were to pull. Routable names once they are known, as with `repoId`. */
  readonly alsoPull?: readonly string[];
  readonly region?: string;
  /** The lifetime that was asked for, in seconds. */
  readonly ttlSeconds?: number;
  /** Whom the call lets in or shuts out, as rules name them. */
  readonly grantees?: readonly string[];
  /** The image or the tag to delete. */
  readonly reference?: string;
  /** Whose credentials, and which one, the call revokes. */
  readonly revoked?: { readonly caller?: Caller; readonly credentialId?: string };
}

/** What came of it. */
export interface Outcome {
  /** The lifetime that was granted, in seconds, counted from the answer. */
  readonly grantedSeconds?: number;
  /** ISO 8601, UTC. */
  readonly expiresAt?: string;
  readonly credentialId?: string;
  /** How many repositories or images the page of a list has. */
  readonly listed?: number;
  /** The repositories from which the page took the consumer's access. */
  readonly changed?: readonly string[];
  /** Whether the list goes on. */
  readonly more?: boolean;
  /** Whether the credential was minted before, and handed out again. */
  readonly reused?: boolean;
}

/** What a refusal lacks: a rule, or only this part of the rules that cover the call in all but it. */
export type Lack = "rule" | "claims" | "permissions" | "via" | "grantees";

/** Why a call was refused, for programs. */
export type Reason = TokenReason | `RULES_LACK_${Uppercase<Lack>}` | "CALLER_BUDGET" | "SOURCE_BUDGET";

/** Why a caller could not be authenticated. */
export type TokenReason =
  | "NO_TOKEN"
  | "TOKEN_WRONG"
  | "TOKEN_MALFORMED"
  | "TOKEN_EXPIRED"
  | "TOKEN_NOT_YET_VALID"
  | "TOKEN_LIVES_TOO_LONG"
  | "TOKEN_ISSUER_UNKNOWN"
  | "TOKEN_AUDIENCE"
  | "TOKEN_CLAIM"
  | "TOKEN_SIGNATURE"
  | "NO_PLATFORM_CALLER";

/** What an unverified token says of itself. Anybody can write anything there. */
export interface Claimed {
  readonly issuer?: string;
  readonly subject?: string;
  readonly audience?: string | readonly string[];
  /** ISO 8601, UTC. */
  readonly expiresAt?: string;
}

/** One line per operation: who did what, for whom, and what came of it. It holds no secret and nothing of another tenant. */
export interface AuditLine extends AskedFor, Outcome {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly door: string;
  /** With the claims that the rule asked for, and no others. */
  readonly caller?: AuthenticatedCaller;
  /** For a failed authentication. */
  readonly claimed?: Claimed;
  readonly source?: Source;
  readonly registry?: string;
  readonly operation?: string;
  readonly repoId?: string;
  /** `OK` or an error code. */
  readonly outcome: string;
  readonly reason?: Reason;
  readonly milliseconds: number;
  readonly upstreamCalls: number;
}

export type Audit = (line: AuditLine) => void;

/** Writes JSON lines to the standard output, where every platform's log collector reads. */
export const auditToStdout: Audit = writeLine;

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
export const eventLogToStdout: EventLog = writeLine;

/** Writes one JSON line to the standard output. */
export function writeLine(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
