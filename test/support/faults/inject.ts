import { setTimeout as sleep } from "node:timers/promises";
import type { Faults, Recorded } from "../../emulators/faults.ts";
import type { TestSuite, WireAnswer } from "../suite.ts";
import type { FaultKind, Injection } from "./injections.ts";
import { expectedAnswer } from "./judge.ts";

/** What a row is like when nothing goes wrong. */
export interface Reference<State> {
  readonly before: State;
  readonly after: State;
  readonly status: number;
  readonly code: unknown;
  /** What was answered, where it is the same each time. */
  readonly said: string | undefined;
}

/** Where one fault at a time is injected into one row: what a platform brings to it, for one slot. */
export interface Stage<Kind extends string, Fault extends { readonly kind: string }, Call extends Recorded, State> {
  readonly kinds: Readonly<Record<Kind, FaultKind<unknown>>>;
  readonly faults: Pick<Faults<Fault, Call>, "add">;
  /** Every call so far, of whatever slot. */
  readonly calls: readonly Call[];
  /** Brings about what the row starts from, for the patience that the fault needs. */
  arrange(injection: Injection<Kind>): Promise<Go>;
  /** Whether a call is one that the fault is meant for. */
  isMeant(call: Call): boolean;
  /** Whether a call is about this slot. */
  isAbout(call: Call): boolean;
  snapshot(): State;
  /** What of a state is neither before, nor after, nor in between. */
  deviations(wanted: Reference<State>, now: State, succeeded: boolean): string[];
  /** What is told in the same words each time; nothing where it may differ. */
  said(answer: WireAnswer): string | undefined;
  /** What is wrong with credentials that were answered. */
  worth(answer: WireAnswer): string[];
  /** What must not stand in an answer, or in the log where there is none. */
  secrets(answer: WireAnswer | undefined): readonly string[];
}

/** One go of a row. */
export interface Go {
  readonly suite: TestSuite;
  run(): Promise<WireAnswer>;
  /** The same once more, by one who is patient and has not asked before. */
  again(): Promise<WireAnswer>;
}

/** Runs a row with one fault, then once more without. @returns what is wrong with how it went */
export async function inject<
  Kind extends string,
  Fault extends { readonly kind: string },
  Call extends Recorded,
  State,
>(stage: Stage<Kind, Fault, Call, State>, injection: Injection<Kind>, wanted: Reference<State>): Promise<string[]> {
  const { row, nth, kind } = injection;
  const { kinds, faults, calls } = stage;
  const go = await stage.arrange(injection);
  const { audit } = go.suite;
  const audited = audit.length;
  let hits = 0;
  const heal = faults.add({
    fault: kinds[kind].fault as Fault,
    nth,
    times: injection.times === "once" ? 1 : Number.POSITIVE_INFINITY,
    matches(seen) {
      const matched = stage.isMeant(seen);
      if (matched) hits++;
      return matched;
    },
  });
  const from = calls.length;
  const answer = await go.run();
  heal();
  // Until nothing about the slot is under way any more.
  while (calls.slice(from).some((call) => call.outcome === undefined && stage.isAbout(call))) await sleep(20);

  const problems: string[] = [];
  if (hits < nth) problems.push("the fault hit nothing");
  problems.push(...expectedAnswer(answer, injection, kinds[kind], wanted));
  problems.push(...stage.deviations(wanted, stage.snapshot(), answer.status === wanted.status));

  const tells = stage.said(answer);
  if (tells !== undefined && tells !== wanted.said) problems.push(`it succeeded and answered ${tells}`);

  const second = await go.again();
  if (second.status !== wanted.status) problems.push(`the same call again answered ${second.text}`);
  const left = JSON.stringify(stage.snapshot());
  if (left !== JSON.stringify(wanted.after)) problems.push(`the same call again left ${left}`);
  if (row.operation === "generateCredentials") {
    problems.push(...[answer, second].filter(({ status }) => status === 200).flatMap((each) => stage.worth(each)));
  }
  for (const each of [answer, second]) problems.push(...told(`${each.headers}${each.text}`, stage.secrets(each)));
  // The log names the consumers that a call is about, also those of the calls that others make meanwhile.
  const lines = audit.slice(audited).map(({ grantees: _, ...line }) => line);
  problems.push(...told(JSON.stringify(lines), stage.secrets(undefined)));
  return problems;
}

function told(output: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => output.includes(secret)).map((secret) => `${secret} is told: ${output}`);
}
