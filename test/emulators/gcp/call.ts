import type { Fault as AnyFault } from "../faults.ts";
import type { Status } from "./errors.ts";

export type Service =
  | "artifactregistry"
  | "iamcredentials"
  | "iam"
  | "pubsub"
  | "cloudresourcemanager"
  | "metadata"
  | "registry";

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

/** What goes wrong on Google Cloud besides what goes wrong on every cloud. */
export type GcpFault =
  /** A status of Google's, before anything is done: ABORTED, PERMISSION_DENIED, … */
  | { readonly kind: "error"; readonly status: Status; readonly message?: string; readonly reason?: string }
  /** The call starts a long-running operation that does nothing and ends with this error. */
  | { readonly kind: "operation"; readonly status: Status; readonly message?: string }
  /** The call starts a long-running operation that goes on until then. */
  | { readonly kind: "held"; readonly until: Promise<void> }
  /** The call starts a long-running operation that does nothing and never ends. */
  | { readonly kind: "unending" };

export type Fault = AnyFault<GcpFault>;
