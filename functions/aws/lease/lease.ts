import type { Call } from "../../../core/call.ts";

/**
 * Edits of a repository's policy, one at a time. ECR overwrites the whole document and knows no revision, so whoever
 * edits holds a lease from before the document is read until after it is written.
 */
export interface PolicyLease {
  /**
   * Runs `work` while nobody else edits this repository, and records what it answers. `work` may run again, if the
   * lease was lost before its outcome was recorded: it reads everything anew each time.
   *
   * @param repository what is leased: the same string for the same repository, in every function
   * @param plan what the edit may change, written down before it begins
   * @returns the result of `work`, when its outcome is recorded
   * @throws RESOURCE_CONFLICT (retryable) while somebody else holds the lease, or when it was lost again and again;
   *   what `work` throws
   */
  edit<T>(repository: string, plan: Plan, call: Call, work: (held: Held) => Promise<Outcome<T>>): Promise<T>;
}

/**
 * The grants that an edit may add and remove. Each is a grant, or the beginning of some, followed by `*`:
 * `worker:111122223333:*`. An edit that crashes leaves its plan behind, and the next one knows what may have happened.
 */
export interface Plan {
  readonly adds?: readonly string[];
  /** Not empty for every edit that revokes, also where nothing turns out to be there; `["*"]` for a deletion. */
  readonly removes?: readonly string[];
}

/** How grants are written into the item, so that it stays small: each request costs by the item's size. */
export interface Packing {
  pack(grants: readonly string[]): readonly string[];
  /** @throws UNEXPECTED_RESPONSE_FORMAT for what `pack` does not write */
  unpack(lines: readonly string[]): readonly string[];
}

/** What is recorded of a repository. */
export interface LeaseRecord {
  /** In order, each once. */
  readonly grants: readonly string[];
  /** Of the document as it was last written or found right. Absent where there is none. */
  readonly documentHash?: string;
  readonly lastUpdated: Date;
  /** The last removal of access, or deletion. Events that are older change nothing. */
  readonly lastRevoked?: Date;
  /** Whether the repository was deleted by us, and not granted to anybody since. */
  readonly deleted: boolean;
}

export interface Outcome<T> {
  /** All grants that hold now. */
  readonly grants: readonly string[];
  readonly documentHash?: string;
  /** The repository is gone. What is recorded of it is forgotten after a while. */
  readonly deleted?: boolean;
  readonly result: T;
}

/** The lease, in the hands of the edit. */
export interface Held {
  /** Absent where nothing was ever recorded: the document is then believed. */
  readonly record?: LeaseRecord;
  /**
   * The grants that hold before this edit: the recorded ones, corrected by what an edit that crashed may have done.
   *
   * @param own the grants in the document's statements of our form
   * @param adopted the grants in statements of earlier tools, which always hold
   */
  settle(own: Iterable<string>, adopted?: Iterable<string>): Promise<readonly string[]>;
  /**
   * Refuses an event that speaks of a time before the last revocation. After `settle`.
   *
   * @throws RESOURCE_CONFLICT (not retryable)
   */
  refuseStale(): void;
  /**
   * To be called right before a request that changes a document, and that nobody repeats behind our back.
   *
   * @param timeoutMs milliseconds after which the request is aborted
   * @returns the same milliseconds, for its `AbortSignal`
   * @throws TIMEOUT (retryable) unless more than that is left of the lease
   */
  guard(timeoutMs: number): number;
  /**
   * Sends a request that changes a document: `call.upstream` with the guard before each try. Better than the guard
   * alone, since it knows of tries without an answer, which may be applied late.
   */
  write<T>(what: string, timeoutMs: number, send: (signal: AbortSignal) => Promise<T>): Promise<T>;
}
