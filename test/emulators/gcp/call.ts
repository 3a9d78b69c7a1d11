import type { Status } from "./errors.ts";

export type Service = "artifactregistry" | "iamcredentials" | "iam" | "pubsub" | "metadata" | "registry";

/** One permission that was asked for, and what came of it. */
export interface Authorization {
  readonly permission: string;
  readonly resource: string;
  readonly allowed: boolean;
}

/** One call that the emulator saw. */
export interface CallRecord {
  /** From 1, in the order of arrival. */
  readonly number: number;
  readonly service: Service;
  /** The method (`SetIamPolicy`, `generateAccessToken`); for the registry `PUT manifest` and the like. */
  readonly action: string;
  /** E-mail of the caller; absent where nobody could be made out. */
  principal?: string;
  /** The first resource that was asked about. */
  resource?: string;
  readonly authorizations: Authorization[];
  /** `ok`, the status or code of the error, or the kind of the fault that hit it; absent while it runs. */
  outcome?: string | undefined;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What goes wrong with a call. */
export type Fault =
  /** A status of Google's, before anything is done: UNAVAILABLE, RESOURCE_EXHAUSTED, ABORTED, … */
  | { readonly kind: "error"; readonly status: Status; readonly message?: string }
  /** The connection breaks before anything is done. */
  | { readonly kind: "reset" }
  /** It is done, but late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: "lost" }
  /** The call starts a long-running operation that does nothing and ends with this error. */
  | { readonly kind: "operation"; readonly status: Status; readonly message?: string };
