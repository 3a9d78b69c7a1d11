import type { Fault as AnyFault } from "../faults.ts";

/** `identity` is the managed-identity endpoint, `acr` a registry's OAuth and `/acr/v1`, `registry` its `/v2`. */
export type Service = "identity" | "entra" | "acr" | "registry" | "arm" | "servicebus";

/** One action that was asked about, and what came of it. */
export interface Authorization {
  readonly action: string;
  readonly scope: string;
  readonly allowed: boolean;
}

/** One call that the emulator saw. */
export interface CallRecord {
  /** From 1, in the order of arrival. */
  readonly number: number;
  readonly service: Service;
  /** `getToken`, `exchange`, `token`, `DELETE repository`, `PUT scopeMaps`; for the data plane `PUT manifest` and the like. */
  readonly action: string;
  /** Object id of the caller, or the user name of a registry's own account; absent where nobody could be made out. */
  principal?: string;
  /** What it is about: a resource id, or a registry's login server. */
  resource?: string;
  readonly authorizations: Authorization[];
  /** `ok`, the code of the error, or the kind of the fault that hit it; absent while it runs. */
  outcome?: string | undefined;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What goes wrong on Azure besides what goes wrong on every cloud. */
export type AzureFault =
  /** An error in the service's own form, before anything is done. */
  | {
      readonly kind: "error";
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Azure Resource Manager takes the call; its long-running operation does nothing and ends with this error. */
  | { readonly kind: "operation"; readonly code: string; readonly message?: string }
  /** Its long-running operation does nothing and never ends. */
  | { readonly kind: "unending" };

export type Fault = AnyFault<AzureFault>;
