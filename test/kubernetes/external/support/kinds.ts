import type { FaultKind } from "../../../support/faults/injections.ts";
import type { FrontFault } from "./front.ts";

/** What a registry's message may hold, and no answer or log of ours. */
export const canary = "canary-message-4711";
const errors = (code: string) => JSON.stringify({ errors: [{ code, message: canary }] });
const instead = (status: number, code: string): FrontFault => ({ kind: "instead", status, body: errors(code) });

/** Layers that a registry keeps are swept by itself; what is refused while trying out is what is wished; a catalogue may be shut. */
const mustWork = (call: string) => !/DELETE blob|DELETE manifest|POST upload|GET catalog/.test(call);

/** What goes wrong, and whether the same call may succeed later by itself. */
export const kinds = {
  throttled: { fault: { kind: "throttle" }, passing: true, codes: () => ["RATE_LIMIT_EXCEEDED"] },
  internal: { fault: { kind: "failure", status: 500 }, passing: true, codes: () => ["CLOUD_PLATFORM_ERROR"] },
  unavailable: { fault: { kind: "failure", status: 503 }, passing: true, codes: () => ["SERVICE_UNAVAILABLE"] },
  reset: { fault: { kind: "reset" }, passing: true, codes: () => ["SERVICE_UNAVAILABLE"] },
  lost: { fault: { kind: "lost" }, passing: true, codes: () => ["SERVICE_UNAVAILABLE"] },
  slow: { fault: { kind: "slow", ms: 1_000 }, passing: true, codes: () => ["TIMEOUT"] },
  denied: {
    fault: instead(403, "DENIED"),
    passing: false,
    // A token service that refuses the first token refuses the catalogue, where a list begins.
    codes: (call: string) =>
      call.startsWith("token:") ? ["ACCESS_DENIED", "OPERATION_NOT_SUPPORTED"] : ["ACCESS_DENIED"],
    at: mustWork,
    noticed: true,
  },
} as const satisfies Record<string, FaultKind<FrontFault>>;

export type Kind = keyof typeof kinds;
