import type { CallRecord } from "./call.ts";

/** What goes wrong with a call. */
export type Fault =
  /** The service's own form of "too fast"; the data plane answers 429. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds?: number }
  /** The service's internal error. */
  | { readonly kind: "failure"; readonly status?: 500 | 502 | 503 }
  /** An error by name, as `ServerException`. */
  | { readonly kind: "error"; readonly code: string; readonly message?: string; readonly status?: number }
  /** The connection breaks before anything is done. */
  | { readonly kind: "reset" }
  /** It is done, but late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: "lost" }
  /** It is done, and answered with something else than it should be. */
  | { readonly kind: "answer"; readonly output: object };

/** Which calls a fault hits. Everything that is left out matches. */
export interface FaultRule {
  readonly fault: Fault;
  readonly service?: CallRecord["service"];
  readonly action?: string;
  readonly region?: string;
  readonly matches?: (call: CallRecord) => boolean;
  /** Counted among the calls that match, from 1: the first that is hit. Default 1. */
  readonly nth?: number;
  /** How many are hit, one after another. Default 1; Infinity for all from then on. */
  readonly times?: number;
}

export type Hook = (call: CallRecord) => void | Promise<void>;

/** Faults to come, and what is run around every call. */
export class Faults {
  /** Run before a call has any effect: a test may end a process here. */
  before: Hook | undefined;
  /** Run when a call's effect is there, but not its answer. */
  after: Hook | undefined;
  #rules: { readonly rule: FaultRule; seen: number }[] = [];

  /** Plans a fault. Returns the function that takes it back. */
  add(rule: FaultRule): () => void {
    const entry = { rule, seen: 0 };
    this.#rules.push(entry);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== entry);
    };
  }

  /** Forgets every fault and hook. */
  clear(): void {
    this.#rules = [];
    this.before = undefined;
    this.after = undefined;
  }

  /** The fault that hits this call. Every rule that matches counts it; the first that is due acts. */
  take(call: CallRecord): Fault | undefined {
    let due: Fault | undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.service !== undefined && rule.service !== call.service) continue;
      if (rule.action !== undefined && rule.action !== call.action) continue;
      if (rule.region !== undefined && rule.region !== call.region) continue;
      if (rule.matches !== undefined && !rule.matches(call)) continue;
      entry.seen++;
      const first = rule.nth ?? 1;
      if (entry.seen >= first && entry.seen < first + (rule.times ?? 1)) due ??= rule.fault;
    }
    return due;
  }
}
