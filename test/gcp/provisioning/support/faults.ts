import { expect } from "vitest";
import type { Environment } from "../../../../core/platform.ts";
import type { RetryPolicy } from "../../../../core/waiting.ts";
import { platform } from "../../../../functions/gcp/index.ts";
import type { CallRecord, Fault } from "../../../emulators/gcp/index.ts";
import { type Asked, askOnce } from "../../../support/ask.ts";
import type { Project } from "./project.ts";
import { isControl, isRead, stateOf } from "./state.ts";

/** Each kind of fault, with the codes that may be told for it where nobody asks again. */
export const faults: readonly { readonly fault: Fault; readonly codes: readonly string[] }[] = [
  { fault: { kind: "throttle" }, codes: ["RATE_LIMIT_EXCEEDED"] },
  { fault: { kind: "failure", status: 500 }, codes: ["CLOUD_PLATFORM_ERROR"] },
  { fault: { kind: "failure", status: 503 }, codes: ["SERVICE_UNAVAILABLE"] },
  { fault: { kind: "reset" }, codes: ["SERVICE_UNAVAILABLE"] },
  { fault: { kind: "lost" }, codes: ["SERVICE_UNAVAILABLE"] },
  { fault: { kind: "slow", ms: 30 }, codes: [] },
];

export interface Scenario {
  readonly operation: "provisionRegistry" | "deprovisionRegistry";
  readonly input?: object;
  /** Variables beside the usual ones. */
  env?(project: Project): Environment;
}

export interface Arranged extends Scenario {
  /** Brings the registry into the state in which the operation finds it. */
  arrange(project: Project, id: string): Promise<void>;
}

/** One operation in this process on the registry with this repository. */
export function ask(
  project: Project,
  scenario: Scenario & { readonly id: string },
  retry?: RetryPolicy,
): Promise<Asked> {
  const env = {
    ...project.stack.env(),
    ALIEN_IMAGES_BINDING: JSON.stringify(project.binding(scenario.id)),
    ...scenario.env?.(project),
  };
  return askOnce(platform, env, scenario, retry);
}

/** The requests of an operation that nothing disturbs, and the state that it leaves. */
export interface Undisturbed {
  readonly calls: readonly CallRecord[];
  readonly after: unknown;
}

export async function undisturbed(project: Project, scenario: Arranged): Promise<Undisturbed> {
  const id = project.fresh("ref");
  await scenario.arrange(project, id);
  const from = project.gcp.calls.length;
  const { answer } = await ask(project, { ...scenario, id });
  expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
  return { calls: project.gcp.calls.slice(from).filter(isControl), after: plain(project, id) };
}

/** Disturbs one request, then asks again: the others' things and all secrets are where they were. */
export async function disturb(
  project: Project,
  scenario: Arranged,
  { after }: Undisturbed,
  { service, action, nth }: Target,
  { fault, codes }: (typeof faults)[number],
): Promise<void> {
  const { gcp } = project;
  const id = project.fresh("run");
  await scenario.arrange(project, id);
  const notMine = (name: string) => !name.startsWith(id);
  const others = stateOf(project, notMine);
  gcp.faults.add({ fault, service, action, nth });
  const { answer, audit } = await ask(project, { ...scenario, id });
  gcp.faults.clear();
  // Where a kept connection breaks, a request that only reads is sent once more over another one.
  const isSentAgain = ["reset", "lost"].includes(fault.kind) && isRead({ action }) && answer.status === 200;
  if (codes.length > 0 && !isSentAgain) {
    expect(codes).toContain(answer.body.code);
    expect(answer.body).toMatchObject({ retryable: true, message: expect.any(String) });
  }
  expect(answer.text + audit).not.toMatch(/emulated\.|Bearer/);
  expect(stateOf(project, notMine)).toEqual(others);
  // Nobody has more than before and after together: the accounts' own rights are the only ones there are.
  expect(strangers(project, id)).toEqual([]);

  const again = await ask(project, { ...scenario, id });
  expect([again.answer.status, again.answer.text]).toEqual([200, expect.anything()]);
  expect(plain(project, id)).toEqual(after);
  expect(stateOf(project, notMine)).toEqual(others);
}

/** Members of the registry's policies that are neither its accounts nor its function. */
function strangers(project: Project, id: string): readonly string[] {
  const own = [`${id}-pull`, `${id}-push`, "function"].map((name) => `serviceAccount:${project.email(name)}`);
  const held = [project.repository(id), project.account(`${id}-pull`), project.account(`${id}-push`)];
  const members = held.flatMap((each) => each?.policy.bindings.flatMap((binding) => binding.members) ?? []);
  return members.filter((member) => !own.includes(member) && !member.startsWith("deleted:"));
}

/** What there is of a registry, without what differs from run to run. */
function plain(project: Project, id: string): unknown {
  const text = JSON.stringify(stateOf(project, (name) => name.startsWith(id)));
  return JSON.parse(text.replaceAll(id, "{id}"), (key, value) => (key === "uniqueId" ? undefined : value));
}

/** One request of an operation. */
export interface Target extends Pick<CallRecord, "service" | "action"> {
  /** Which of the requests of this kind, from 1. */
  readonly nth: number;
}

/**
 * Every write under every fault; the reads under one after the other. Of the looks at something that is under way the
 * first alone: how many there are is up to the machine.
 */
export function plan({ calls }: Undisturbed): { target: Target; faults: typeof faults }[] {
  const isLook = ({ action }: CallRecord) => action === "GetOperation" || action === "ListTagBindings";
  const certain = calls.filter((call, index) => {
    const before = calls[index - 1];
    return !isLook(call) || before === undefined || !isLook(before);
  });
  return certain.map((call, index) => {
    const { service, action } = call;
    const same = certain.slice(0, index + 1).filter((other) => other.service === service && other.action === action);
    const one = faults[index % faults.length];
    return { target: { service, action, nth: same.length }, faults: isRead(call) && one ? [one] : faults };
  });
}
