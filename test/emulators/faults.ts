/** What every record of a call has, whatever the cloud. */
export interface Recorded {
  readonly service: string;
  readonly action: string;
}

/** Which calls a fault hits. Everything that is left out matches. */
export interface FaultRule<Fault, Call extends Recorded> {
  readonly fault: Fault;
  readonly service?: Call["service"];
  readonly action?: string;
  readonly matches?: (call: Call) => boolean;
  /** Counted among the calls that match, from 1: the first that is hit. Default 1. */
  readonly nth?: number;
  /** How many are hit, one after another. Default 1; Infinity for all from then on. */
  readonly times?: number;
}

export type Hook<Call> = (call: Call) => void | Promise<void>;

/** Faults to come, and what is run around every call. */
export class Faults<Fault, Call extends Recorded> {
  /** Run before a call has any effect: a test may end a process here. */
  before: Hook<Call> | undefined;
  /** Run when a call's effect is there, but not its answer. */
  after: Hook<Call> | undefined;
  #rules: { readonly rule: FaultRule<Fault, Call>; seen: number }[] = [];

  /** Plans a fault. Returns the function that takes it back. */
  add(rule: FaultRule<Fault, Call>): () => void {
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
  take(call: Call): Fault | undefined {
    let due: Fault | undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.service !== undefined && rule.service !== call.service) continue;
      if (rule.action !== undefined && rule.action !== call.action) continue;
      if (rule.matches !== undefined && !rule.matches(call)) continue;
      entry.seen++;
      const first = rule.nth ?? 1;
      if (entry.seen >= first && entry.seen < first + (rule.times ?? 1)) due ??= rule.fault;
    }
    return due;
  }
}
