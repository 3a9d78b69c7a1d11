import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DocumentGrants, Plan } from "../grants/changes.ts";
import type { GrantSet } from "../grants/grant.ts";

/**
 * Edits of a repository's policy, one at a time. ECR overwrites the whole document and knows no revision, so whoever
 * edits holds a lease from before the document is read until after it is written.
 */
export interface PolicyLease {
  /**
   * Runs `work` while nobody else edits this repository, and records what it answers. `work` runs again if the lease was
   * lost before its outcome was recorded, so it has to read everything anew each time.
   *
   * @param repository what is leased; every function must use the same string for the same repository
   * @param plan what the edit may change, written down before it begins
   * @returns the result of `work`, when its outcome is recorded
   * @throws RESOURCE_CONFLICT (retryable) while somebody else holds the lease, or when it was lost again and again;
   *   what `work` throws
   */
  edit<T>(repository: string, plan: Plan, call: Call, work: (held: Held) => Promise<Outcome<T>>): Promise<T>;
  /**
   * Does the same, but only where it is needed, for edits that bring up to date what fell behind and plan nothing: of a burst of
   * them one edits, and the others wait and find it done.
   *
   * @param what names what falls behind and is brought up to date, as a region: those who ask for the same share the work
   * @param isCurrent whether everything stands as the record says. Asked only while nobody holds the lease and no edit that
   *   crashed has left a plan
   */
  catchUp(
    repository: string,
    what: string,
    call: Call,
    isCurrent: (record: LeaseRecord) => Promise<boolean>,
    work: (held: Held) => Promise<Outcome<void>>,
  ): Promise<void>;
  /** What was recorded last; undefined where nothing was, or nothing is kept. It takes no lease, so an edit may be under way. */
  recorded(repository: string, call: Call): Promise<LeaseRecord | undefined>;
  /** The same, and whether somebody edits, or an edit that crashed has left a plan. */
  look(repository: string, call: Call): Promise<Look>;
}

/** A repository's lease at one moment. An edit that begins later reads everything anew. */
export interface Look {
  readonly held: boolean;
  readonly unfinished: boolean;
  readonly record?: LeaseRecord | undefined;
}

/** What is recorded of a repository. */
export interface LeaseRecord {
  readonly grants: GrantSet;
  readonly lastUpdated: Date;
  /** When the repository was created that it speaks of. Absent in records of earlier versions. */
  readonly createdAt?: Date;
  /** When access was last removed, or the repository deleted. An older event changes nothing. */
  readonly lastRevoked?: Date;
  /** Whether the repository is gone, and nobody was granted access since. */
  readonly deleted: boolean;
}

export interface Outcome<T> {
  /** All grants that hold now. */
  readonly grants: GrantSet;
  /** When the repository was created. Another one of the same name inherits nothing. */
  readonly createdAt?: Date | undefined;
  /** Whether the repository is gone. Its record is then forgotten after a while. */
  readonly deleted?: boolean;
  /** What the edit throws when its outcome is recorded: it was refused, and what it had begun was taken back. */
  readonly failure?: unknown;
  readonly result: T;
}

/** What an edit does with the lease that it holds. */
export interface Held {
  /**
   * The grants that hold before this edit: the recorded ones, corrected by what an edit that crashed may have done; where
   * nothing was ever recorded, the document is believed. A
   * repository that was created after the recorded one of the same name grants what its own document says, and nothing else.
   *
   * @param createdAt when the repository was created that the document belongs to
   */
  reconcile(document: DocumentGrants, createdAt?: Date): Promise<GrantSet>;
  /**
   * Refuses an event of before the last revocation, and one that may be. To be called after `reconcile`.
   *
   * @throws RESOURCE_CONFLICT (not retryable)
   */
  refuseStale(): void;
  /**
   * To be called before a repository is made in the place of one that somebody deleted by hand. An event that ends half way
   * comes again, and must not take what it made itself for somebody else's.
   */
  replaces(): Promise<void>;
  /**
   * Sends a request that changes a document. Each try starts only while the lease outlives it.
   *
   * @param what names the request in errors
   * @param timeoutMs milliseconds for one try
   * @throws TIMEOUT (retryable) unless more than that is left of the lease
   */
  write<T>(what: string, timeoutMs: number, send: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Somebody else is editing. */
export function busy(repository: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `Another edit of "${repository}" is in progress.`, {
    retryable: true,
    retryAfterSeconds: 1,
    hint: "Nothing was changed. The same call again is safe.",
  });
}

/** The lease ran out, and somebody else took it, before the outcome could be recorded. */
export function lost(repository: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The edit of "${repository}" took longer than its lease.`, {
    retryable: true,
    hint: "It may or may not have been applied. The same call again finishes or repairs it.",
    cause,
  });
}

/** Too little is left of the lease for a write that nobody else's can overtake. */
export function tooLate(): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", "Too little time was left of the lease to write the policy.", {
    retryable: true,
    hint: "The same call again finishes what was begun.",
  });
}
