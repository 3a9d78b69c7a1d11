import { setTimeout as sleep } from "node:timers/promises";
import type { CallRecord, Fault } from "../../../emulators/aws/index.ts";
import type { FaultKind, Injection } from "../../../support/faults/injections.ts";
import { expectedAnswer } from "../../../support/faults/judge.ts";
import type { Row } from "../../../support/faults/rows.ts";
import { type Applications, type Bench, recorded, type Slot } from "./bench.ts";
import { secretsIn } from "./judge.ts";
import { type Run, type Scenario, scenarios } from "./scenarios.ts";
import { deviations, type Snapshot, snapshot } from "./state.ts";

/** What a message of AWS's may hold, and no answer or log of ours. */
export const canary = "canary-message-4711";

/** What goes wrong, and whether the same call may succeed later by itself. */
export const kinds = {
  throttle: { fault: { kind: "throttle" }, passing: true },
  "failure 500": { fault: { kind: "failure", status: 500 }, passing: true },
  "failure 503": { fault: { kind: "failure", status: 503 }, passing: true },
  denied: { fault: { kind: "error", code: "AccessDeniedException", message: canary }, passing: false },
  "unknown error": { fault: { kind: "error", code: "NewException", message: canary }, passing: false },
  reset: { fault: { kind: "reset" }, passing: true },
  lost: { fault: { kind: "lost" }, passing: true },
  slow: { fault: { kind: "slow", ms: 0 }, passing: true },
} as const satisfies Record<string, FaultKind<Fault>>;

export type Kind = keyof typeof kinds;

/** Milliseconds after which each kind of request is given up; the bench's own limit for those that have none. */
export const upstreamTimeoutMs = 2_000;
const giveUpMs: Readonly<Record<string, number>> = {
  "dynamodb:UpdateItem": 3_000,
  "dynamodb:GetItem": 3_000,
  "ecr:SetRepositoryPolicy": 5_000,
  "ecr:DeleteRepositoryPolicy": 5_000,
  "ecr:DeleteRepository": 10_000,
};
const actionOf = (call: string) => call.replace(/@.*/, "");
const slowMs = (call: string) => (giveUpMs[actionOf(call)] ?? upstreamTimeoutMs) + 300;

/** Whether nothing in a row's calls tells for whom they are: then whoever makes them must be alone. */
export function isNameless({ operation }: Row): boolean {
  return operation === "describeRegistry";
}

function isOfTheRegistry({ input }: CallRecord): boolean {
  return ["{}", '{"repositoryNames":["images"]}', '{"Version":"2011-06-15"}'].includes(JSON.stringify(input));
}

/** What a row is like when nothing goes wrong. */
export interface Reference {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly status: number;
  readonly code: unknown;
}

let goes = 0;

/** Who runs a row: the suite with the limits of the test, and one that is patient, to arrange what there is before. */
export interface Runners {
  readonly applications: Applications;
  readonly patient: Applications;
}

export async function arranged(slot: Slot, { applications, patient }: Runners, row: Row): Promise<Run> {
  const scenario = scenarioOf(row);
  const caller = `${slot.logical}-${++goes}`;
  const run = { slot, applications, application: scenario.application ?? "plain", caller } as const;
  const key = `${slot.name} ${row.operation} ${row.title}`;
  const known = arrangements.get(key);
  if (known !== undefined && row.operation !== "generateCredentials") {
    await known();
  } else {
    await slot.clear();
    // A credential that shall be there already must be in the cache of the application that is asked again.
    await scenario.arrange?.({
      ...run,
      applications: row.operation === "generateCredentials" ? applications : patient,
    });
    arrangements.set(key, await slot.save());
  }
  return run;
}

/** What brings back what a row starts from, by slot. */
const arrangements = new Map<string, () => Promise<void>>();

function scenarioOf({ operation, title }: Row): Scenario {
  const scenario = scenarios[operation]?.[title];
  if (scenario === undefined) throw new Error(`Nothing runs ${operation}: ${title}.`);
  return scenario;
}

/** Runs a row undisturbed. */
export async function reference(bench: Bench, slot: Slot, patient: Applications, row: Row): Promise<Reference> {
  const run = await arranged(slot, { applications: patient, patient }, row);
  const before = snapshot(bench, slot);
  const { status, body } = await scenarioOf(row).run(run);
  return { before, after: snapshot(bench, slot), status, code: body.code };
}

/** Runs a row with one fault, then once more without. @returns what is wrong with how it went */
export async function inject(
  bench: Bench,
  slot: Slot,
  runners: Runners,
  injection: Injection<Kind>,
  wanted: Reference,
): Promise<string[]> {
  const { row, call, nth, kind } = injection;
  const run = await arranged(slot, runners, row);
  const { audit } = runners.applications[run.application];
  const audited = audit.length;
  const [service, action, region] = call.split(/[:@]/);
  const hit = { count: 0 };
  const { fault } = kinds[kind];
  const heal = bench.stack.emulator.faults.add({
    fault: fault.kind === "slow" ? { kind: "slow", ms: slowMs(call) } : fault,
    nth,
    times: injection.times === "once" ? 1 : Number.POSITIVE_INFINITY,
    matches(seen) {
      const same = seen.service === service && seen.action === action && seen.region === region;
      const matched = same && (slot.isAbout(seen) || (isNameless(row) && isOfTheRegistry(seen)));
      if (matched) hit.count++;
      return matched;
    },
  });
  const from = bench.stack.emulator.calls.length;
  const answer = await scenarioOf(row).run(run);
  heal();
  await quiet(bench, slot, from);

  const problems: string[] = [];
  if (hit.count < nth) problems.push("the fault hit nothing");
  // What is denied may have been granted a moment ago. A denial that lasts for a minute is final.
  const mayPass = kind === "denied" && action === "AssumeRole" && answer.body.code === "SERVICE_UNAVAILABLE";
  problems.push(
    ...expectedAnswer(answer, injection, mayPass ? { ...kinds[kind], passing: true } : kinds[kind], wanted),
  );
  problems.push(...deviations(wanted, snapshot(bench, slot), answer.status === wanted.status));
  // The log names the consumers that a call is about, also those of the calls that others make meanwhile.
  const logged = JSON.stringify(audit.slice(audited).map(({ grantees: _, ...line }) => line));
  problems.push(...secretsIn(bench, answer, row), ...secretsIn(bench, { ...answer, text: logged, status: 0 }, row));

  await slot.age();
  const again = await scenarioOf(row).run({ ...run, applications: runners.patient, caller: `${run.caller}-again` });
  const sound = again.status === wanted.status || again.status === 200;
  if (!sound) problems.push(`the same call again answered ${again.text}`);
  const after = snapshot(bench, slot);
  if (JSON.stringify(after) !== JSON.stringify(wanted.after)) {
    problems.push(`the same call again left ${JSON.stringify(after)}, not ${JSON.stringify(wanted.after)}`);
  }
  const record = recorded(await slot.item());
  const granted = after.regions[0]?.grants ?? [];
  // A refused edit leaves the record of a repository that is gone as it was.
  const isRefused = again.status !== 200 && after.regions[0]?.exists === false;
  if (record !== undefined && !isRefused && JSON.stringify([...record].sort()) !== JSON.stringify(granted)) {
    problems.push(`the record holds ${JSON.stringify(record)}, the policy ${JSON.stringify(granted)}`);
  }
  return problems;
}

/** Waits until nothing about the slot is under way any more, of the calls from this one on. */
async function quiet({ stack }: Bench, slot: Slot, from: number): Promise<void> {
  const running = () =>
    stack.emulator.calls.slice(from).some((call) => call.outcome === undefined && slot.isAbout(call));
  while (running()) await sleep(20);
}
