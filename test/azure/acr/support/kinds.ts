import type { Fault } from "../../../emulators/azure/index.ts";
import type { FaultKind, Injection } from "../../../support/faults/injections.ts";
import { type Patience, upstreamTimeoutMs } from "./bench.ts";

/** What a message of Azure's may hold, and no answer or log of ours. */
export const canary = "canary-message-4711";

const isOfIdentity = (call: string) => call.startsWith("identity:");
const isWrite = (call: string) => /^arm:(?:PUT|PATCH|DELETE) /.test(call);
const error = (status: number, code: string): Fault => ({ kind: "error", status, code, message: canary });
/** A refusal of the identity endpoint means that the function is nobody. */
const orNobody = (code: string) => (call: string) => (isOfIdentity(call) ? ["BINDING_CONFIG_INVALID"] : [code]);

/** What goes wrong, and whether the same call may succeed later by itself. */
export const kinds = {
  throttled: { fault: { kind: "throttle" }, passing: true, codes: () => ["RATE_LIMIT_EXCEEDED"] },
  internal: {
    fault: { kind: "failure", status: 500 },
    passing: true,
    codes: (call) => [isOfIdentity(call) ? "SERVICE_UNAVAILABLE" : "CLOUD_PLATFORM_ERROR"],
  },
  unavailable: { fault: { kind: "failure", status: 503 }, passing: true, codes: () => ["SERVICE_UNAVAILABLE"] },
  denied: { fault: error(403, "AuthorizationFailed"), passing: false, codes: orNobody("ACCESS_DENIED") },
  unauthenticated: { fault: error(401, "UNAUTHORIZED"), passing: false, codes: orNobody("ACCESS_DENIED") },
  unknown: { fault: error(418, "Teapot"), passing: false, codes: orNobody("CLOUD_PLATFORM_ERROR") },
  conflict: {
    fault: error(409, "AnotherOperationInProgress"),
    passing: true,
    codes: () => ["RESOURCE_CONFLICT"],
    at: isWrite,
  },
  reset: { fault: { kind: "reset" }, passing: true, codes: () => ["SERVICE_UNAVAILABLE"] },
  lost: { fault: { kind: "lost" }, passing: true, codes: () => ["SERVICE_UNAVAILABLE"] },
  slow: { fault: { kind: "slow", ms: upstreamTimeoutMs + 300 }, passing: true, codes: () => ["TIMEOUT"] },
  odd: { fault: { kind: "answer", output: {} }, passing: false, codes: orNobody("UNEXPECTED_RESPONSE_FORMAT") },
  "an operation that fails": {
    fault: { kind: "operation", code: "InternalServerError", message: canary },
    passing: true,
    noticed: true,
    codes: () => ["CLOUD_PLATFORM_ERROR"],
    at: isWrite,
  },
  "an operation that never ends": {
    fault: { kind: "unending" },
    passing: true,
    noticed: true,
    // Whoever may not look at a deletion sees a resource that nothing happens to, and takes it for one that failed.
    codes: (call) => (call.startsWith("arm:DELETE ") ? ["TIMEOUT", "CLOUD_PLATFORM_ERROR"] : ["TIMEOUT"]),
    at: isWrite,
  },
} as const satisfies Record<string, FaultKind<Fault>>;

export type Kind = keyof typeof kinds;

/** How patient whoever meets it must be, that it ends soon: some faults only the end of the operation's time ends. */
export function patienceFor({ kind }: Injection<Kind>): Patience {
  if (kind === "slow") return "impatient";
  return kind === "an operation that never ends" ? "brief" : "quick";
}
