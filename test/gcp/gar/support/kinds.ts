import type { Fault } from "../../../emulators/gcp/index.ts";
import type { FaultKind, Injection } from "../../../support/faults/injections.ts";
import { type Patience, upstreamTimeoutMs } from "./bench.ts";

/** What a message of Google's may hold, and no answer or log of ours. */
export const canary = "canary-message-4711";

/** Whether it is a request of the library that finds the function's own token. */
export const isOfMetadata = (call: string) => call.startsWith("metadata:");

/** A refusal of the metadata server means that the function is nobody. */
const orNobody = (code: string) => (call: string) => (isOfMetadata(call) ? ["BINDING_CONFIG_INVALID"] : [code]);
const error = (status: Extract<Fault, { kind: "error" }>["status"]): Fault => ({
  kind: "error",
  status,
  message: canary,
});
/** The library that asks the metadata server repeats for itself, and may still do so when the operation's time is over. */
const orLate =
  (...codes: readonly string[]) =>
  (call: string) =>
    isOfMetadata(call) ? [...codes, "TIMEOUT"] : codes;
const isDeletion = (call: string) => /:Delete(?:Package|Version)$/.test(call);

/** What goes wrong, and whether the same call may succeed later by itself. */
export const kinds = {
  throttled: { fault: { kind: "throttle" }, passing: true, codes: orLate("RATE_LIMIT_EXCEEDED") },
  internal: { fault: { kind: "failure", status: 500 }, passing: true, codes: orLate("CLOUD_PLATFORM_ERROR") },
  unavailable: { fault: { kind: "failure", status: 503 }, passing: true, codes: orLate("SERVICE_UNAVAILABLE") },
  deadline: { fault: error("DEADLINE_EXCEEDED"), passing: true, codes: () => ["TIMEOUT"] },
  aborted: { fault: error("ABORTED"), passing: true, codes: orLate("RESOURCE_CONFLICT", "TIMEOUT") },
  denied: { fault: error("PERMISSION_DENIED"), passing: false, codes: orNobody("ACCESS_DENIED") },
  unauthenticated: {
    fault: error("UNAUTHENTICATED"),
    passing: false,
    codes: () => ["BINDING_CONFIG_INVALID"],
  },
  unimplemented: {
    fault: error("UNIMPLEMENTED"),
    passing: false,
    codes: () => ["CLOUD_PLATFORM_ERROR"],
    at: (call) => !isOfMetadata(call),
  },
  reset: { fault: { kind: "reset" }, passing: true, codes: orLate("SERVICE_UNAVAILABLE") },
  lost: { fault: { kind: "lost" }, passing: true, codes: orLate("SERVICE_UNAVAILABLE", "RESOURCE_CONFLICT") },
  slow: {
    fault: { kind: "slow", ms: upstreamTimeoutMs + 300 },
    passing: true,
    codes: () => ["TIMEOUT", "RESOURCE_CONFLICT"],
  },
  odd: {
    fault: { kind: "answer", output: {} },
    passing: false,
    // A repository that bears no label is nobody's.
    codes: () => ["UNEXPECTED_RESPONSE_FORMAT", "BINDING_NOT_CONFIGURED"],
    // Over gRPC an empty message is an empty list, and all that the deletion of a tag answers.
    at: (call) => !isOfMetadata(call) && !/:(?:List|DeleteTag)/.test(call),
  },
  "an operation that fails": {
    fault: { kind: "operation", status: "INTERNAL", message: canary },
    passing: true,
    noticed: true,
    codes: () => ["CLOUD_PLATFORM_ERROR"],
    at: isDeletion,
  },
  "an operation that is denied": {
    fault: { kind: "operation", status: "PERMISSION_DENIED", message: canary },
    passing: false,
    codes: () => ["ACCESS_DENIED"],
    at: isDeletion,
  },
  "an operation that never ends": {
    fault: { kind: "unending" },
    passing: true,
    noticed: true,
    codes: () => ["TIMEOUT"],
    at: isDeletion,
  },
} as const satisfies Record<string, FaultKind<Fault>>;

export type Kind = keyof typeof kinds;

/**
 * How patient whoever meets it must be, that it ends soon: some faults only the end of the operation's time ends. The
 * library that asks the metadata server waits long between its own tries.
 */
export function patienceFor({ kind, call, times }: Injection<Kind>): Patience {
  if (isOfMetadata(call)) return times === "once" && kind !== "slow" ? "quick" : "hasty";
  if (kind === "slow") return "impatient";
  return kind === "aborted" || kind === "an operation that never ends" ? "brief" : "quick";
}
