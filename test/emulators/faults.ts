import { setTimeout as sleep } from "node:timers/promises";

/** What every record of a call has, whatever the cloud. */
export interface Recorded {
  readonly service: string;
  readonly action: string;
  readonly region?: string;
  /** `ok`, the code of the error, or the kind of the fault that hit it; absent while the call runs. */
  outcome?: string | undefined;
}

/** What goes wrong with a call, on every cloud. */
export type CommonFault =
  /** The service's own form of "too fast", before anything is done. */
  | { readonly kind: "throttle"; readonly retryAfterSeconds?: number }
  /** The service's internal error, before anything is done. Default 500. */
  | { readonly kind: "failure"; readonly status?: 500 | 502 | 503 }
  /** The connection breaks before anything is done. */
  | { readonly kind: "reset" }
  /** It is done, but late: after so many milliseconds, or when what the test waits for is over. */
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "slow"; readonly until: () => void | Promise<void> }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: "lost" }
  /** It is done, and answered with something else than it should be. */
  | { readonly kind: "answer"; readonly output: object };

/** With what one cloud has besides. */
export type Fault<Own> = CommonFault | Own;

/** Which calls a fault hits. Everything that is left out matches. */
export interface FaultRule<AnyFault, Call extends Recorded> {
  readonly fault: AnyFault;
  readonly service?: Call["service"];
  readonly action?: string;
  readonly region?: string;
  readonly matches?: (call: Call) => boolean;
  /** Counted among the calls that match, from 1: the first that is hit. Default 1. */
  readonly nth?: number;
  /** How many are hit, one after another. Default 1; Infinity for all from then on. */
  readonly times?: number;
}

export type Hook<Call> = (call: Call) => void | Promise<void>;

/** How a service does, answers and refuses one call. */
export interface Serving<AnyFault, Answer> {
  /** The error by which the service itself would tell of a fault; nothing for one that it does not tell of. */
  refusal(fault: AnyFault): Error | undefined;
  /**
   * Does what is asked. Where the fault is an `answer`, what it returns is made from its `output`, after all is done. An
   * answer that is an error, but comes from elsewhere, is noted as the call's outcome.
   */
  serve(fault: AnyFault | undefined): Answer | Promise<Answer>;
  /** What is sent for an error, by this code. */
  refuse(error: unknown, fault: AnyFault | undefined): { readonly answer: Answer; readonly code: string };
  send(answer: Answer): void;
  /** Breaks the connection. */
  cut(): void;
}

/**
 * Faults to come, and hooks around every call. A process dies between any two calls when `before` or `after` ends it.
 *
 * @example
 * const faults = new Faults<{ kind: "error"; code: string }, CallRecord>();
 * faults.add({ fault: { kind: "lost" }, action: "SetPolicy", nth: 2 });
 * await faults.run(record, { refusal, serve, refuse, send, cut });  // in the server, for each call
 */
export class Faults<Own extends { readonly kind: string }, Call extends Recorded> {
  /** Run before a call has any effect. */
  before: Hook<Call> | undefined;
  /** Run when a call's effect is there, but not its answer. */
  after: Hook<Call> | undefined;
  #rules: { readonly rule: FaultRule<Fault<Own>, Call>; seen: number }[] = [];

  /** Plans a fault. Returns the function that takes it back. */
  add(rule: FaultRule<Fault<Own>, Call>): () => void {
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

  /**
   * One call from its arrival to its answer, with the fault that hits it, if any, and its outcome noted. A hook that
   * throws breaks the connection.
   */
  async run<Answer>(call: Call, serving: Serving<Fault<Own>, Answer>): Promise<void> {
    try {
      await this.#run(call, serving);
    } catch (error) {
      console.error("The emulator failed:", error);
      serving.cut();
    }
  }

  async #run<Answer>(call: Call, serving: Serving<Fault<Own>, Answer>): Promise<void> {
    await this.before?.(call);
    const fault = this.#take(call);
    if (fault?.kind === "reset") {
      call.outcome = fault.kind;
      return serving.cut();
    }
    let answer: Answer;
    try {
      const refusal = fault && serving.refusal(fault);
      if (refusal !== undefined) throw refusal;
      if (isSlow(fault)) await ("until" in fault ? fault.until() : sleep(fault.ms));
      answer = await serving.serve(fault);
      call.outcome = fault?.kind ?? call.outcome ?? "ok";
    } catch (error) {
      const refused = serving.refuse(error, fault);
      answer = refused.answer;
      call.outcome = fault?.kind === "lost" ? fault.kind : refused.code;
    }
    await this.after?.(call);
    if (fault?.kind === "lost") return serving.cut();
    serving.send(answer);
  }

  /** The fault that hits this call. Every rule that matches counts it; the first that is due acts. */
  #take(call: Call): Fault<Own> | undefined {
    let due: Fault<Own> | undefined;
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

function isSlow(fault: { readonly kind: string } | undefined): fault is Extract<CommonFault, { kind: "slow" }> {
  return fault?.kind === "slow";
}
