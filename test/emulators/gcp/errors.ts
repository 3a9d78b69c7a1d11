import type { Fault } from "./call.ts";

/** The canonical codes of Google's APIs: over gRPC a number, over HTTP a status. */
export const STATUSES = {
  CANCELLED: { grpc: 1, http: 499 },
  UNKNOWN: { grpc: 2, http: 500 },
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504 },
  NOT_FOUND: { grpc: 5, http: 404 },
  ALREADY_EXISTS: { grpc: 6, http: 409 },
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  FAILED_PRECONDITION: { grpc: 9, http: 400 },
  ABORTED: { grpc: 10, http: 409 },
  UNIMPLEMENTED: { grpc: 12, http: 501 },
  INTERNAL: { grpc: 13, http: 500 },
  UNAVAILABLE: { grpc: 14, http: 503 },
  UNAUTHENTICATED: { grpc: 16, http: 401 },
} as const satisfies Readonly<Record<string, { grpc: number; http: number }>>;

export type Status = keyof typeof STATUSES;

/** `google.rpc.ErrorInfo`: what a program reads of an error. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An error as a Google API answers it. */
export class GcpError extends Error {
  readonly status: Status;
  readonly info: ErrorInfo | undefined;
  /** Over HTTP only. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: Status, message: string, info?: ErrorInfo, retryAfterSeconds?: number) {
    super(message);
    this.name = "GcpError";
    this.status = status;
    this.info = info;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What nobody expected is a fault of the emulator: it says so, that no test takes it for Google's word. */
export function asGcpError(error: unknown): GcpError {
  if (error instanceof GcpError) return error;
  console.error("The Google Cloud emulator failed:", error);
  return new GcpError("INTERNAL", `The emulator failed: ${String(error)}`);
}

/** What Google answers for a fault; nothing for one that it does not tell of. */
export function refusalByFault(fault: Fault): GcpError | undefined {
  switch (fault.kind) {
    case "throttle":
      return new GcpError("RESOURCE_EXHAUSTED", "Quota exceeded.", undefined, fault.retryAfterSeconds);
    case "failure":
      // Google has no status for a 502 of its own.
      return fault.status === undefined || fault.status === 500
        ? new GcpError("INTERNAL", "Internal error encountered.")
        : new GcpError("UNAVAILABLE", "The service is currently unavailable.");
    case "error":
      return new GcpError(
        fault.status,
        fault.message ?? `Injected ${fault.status}.`,
        fault.reason === undefined ? undefined : { reason: fault.reason, domain: "googleapis.com", metadata: {} },
      );
    default:
      return undefined;
  }
}

/** The refusal of a permission: the same whether the resource is missing or closed to the caller. */
export function permissionDenied(permission: string, resource: string): GcpError {
  return new GcpError(
    "PERMISSION_DENIED",
    `Permission '${permission}' denied on resource '${resource}' (or it may not exist).`,
    { reason: "IAM_PERMISSION_DENIED", domain: "iam.googleapis.com", metadata: { permission, resource } },
  );
}

export function unauthenticated(
  reason: "CREDENTIALS_MISSING" | "ACCESS_TOKEN_EXPIRED" | "ACCESS_TOKEN_TYPE_UNSUPPORTED",
  service: string,
): GcpError {
  const what =
    reason === "CREDENTIALS_MISSING"
      ? "Request is missing required authentication credential."
      : "Request had invalid authentication credentials.";
  return new GcpError(
    "UNAUTHENTICATED",
    `${what} Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.`,
    { reason, domain: "googleapis.com", metadata: { service } },
  );
}

export function insufficientScope(service: string): GcpError {
  return new GcpError("PERMISSION_DENIED", "Request had insufficient authentication scopes.", {
    reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    domain: "googleapis.com",
    metadata: { service },
  });
}
