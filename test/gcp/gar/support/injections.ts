import { setTimeout as sleep } from "node:timers/promises";
import type { Injection } from "../../../support/faults/injections.ts";
import { expectedAnswer } from "../../../support/faults/judge.ts";
import type { WireAnswer } from "../../../support/suite.ts";
import { type Bench, type Slot, theirs } from "./bench.ts";
import { again, arranged, said, scenarioOf } from "./goes.ts";
import { canary, type Kind, kinds, patienceFor } from "./kinds.ts";
import { deviations, type Reference, snapshot } from "./state.ts";

/** Runs a row with one fault, then once more without. @returns what is wrong with how it went */
export async function inject(
  bench: Bench,
  slot: Slot,
  injection: Injection<Kind>,
  wanted: Reference,
): Promise<string[]> {
  const { row, call, nth, kind } = injection;
  const { faults, calls } = bench.stack.gcp;
  const run = await arranged(slot, row, patienceFor(injection));
  const { audit } = run.suite;
  const audited = audit.length;
  let hits = 0;
  const heal = faults.add({
    fault: kinds[kind].fault,
    nth,
    times: injection.times === "once" ? 1 : Number.POSITIVE_INFINITY,
    matches(seen) {
      const matched = `${seen.service}:${seen.action}` === call && (seen.service === "metadata" || slot.isAbout(seen));
      if (matched) hits++;
      return matched;
    },
  });
  const from = calls.length;
  const answer = await scenarioOf(row).run(run);
  heal();
  await quiet(bench, slot, from);

  const problems: string[] = [];
  if (hits < nth) problems.push("the fault hit nothing");
  problems.push(...expectedAnswer(answer, injection, kinds[kind], wanted));
  problems.push(...deviations(wanted, snapshot(bench, slot), answer.status === wanted.status));

  const tells = said(slot, row, answer);
  if (tells !== undefined && tells !== wanted.said) problems.push(`it succeeded and answered ${tells}`);

  const second = await again(run, row);
  if (second.status !== wanted.status) problems.push(`the same call again answered ${second.text}`);
  const left = JSON.stringify(snapshot(bench, slot));
  if (left !== JSON.stringify(wanted.after)) problems.push(`the same call again left ${left}`);
  if (row.operation === "generateCredentials") problems.push(...[answer, second].flatMap((each) => worth(bench, each)));
  problems.push(...told(bench, [answer, second], JSON.stringify(audit.slice(audited))));
  return problems;
}

/** Waits until nothing about the slot is under way any more, of the calls from this one on. */
async function quiet({ stack }: Bench, slot: Slot, from: number): Promise<void> {
  const running = () => stack.gcp.calls.slice(from).some((call) => call.outcome === undefined && slot.isAbout(call));
  while (running()) await sleep(20);
}

/** Credentials that were answered are those of one who may have them. */
function worth({ stack }: Bench, { status, body, text }: WireAnswer): string[] {
  if (status !== 200) return [];
  const { tokens } = stack.gcp.world;
  return tokens.all().includes(String(body.password)) ? [] : [`it answered what is no token: ${text}`];
}

/** Secrets, and in errors what concerns others, that stand in answers, their headers or the log. */
function told({ stack }: Bench, answers: readonly WireAnswer[], log: string): string[] {
  const { tokens } = stack.gcp.world;
  return [...answers, { status: 0, text: log, headers: "", body: {} }].flatMap(({ status, text, headers, body }) => {
    const minted = status === 200 ? body.password : undefined;
    const secrets = [
      canary,
      ...tokens.all().filter((token) => token !== minted),
      ...(status === 200 ? [] : [theirs.member, "ops@example.com"]),
    ];
    const output = `${headers}${text}`;
    return secrets.filter((secret) => output.includes(secret)).map((secret) => `${secret} is told: ${output}`);
  });
}
