import { faultTests } from "../../support/faults/fault-tests.ts";
import type { Injection } from "../../support/faults/injections.ts";
import { expectedAnswer } from "../../support/faults/judge.ts";
import { Lanes } from "../../support/faults/lanes.ts";
import { rows } from "./calls.golden.ts";
import { type Bench, startBench } from "./support/bench.ts";
import { canary, type Kind, kinds } from "./support/kinds.ts";
import { scenarioOf } from "./support/scenarios.ts";

// A set-up makes the requests of a creation.
const distinct = rows.filter(({ operation }) => operation !== "setupRepository");

faultTests<Kind>(distinct, kinds, async () => {
  const bench = await startBench();
  const lanes = new Lanes({ all: 16 });
  return {
    prepare: async (row) => {
      const status = row.title === "one that does not exist" ? 404 : 200;
      const wanted = { status, code: status === 404 ? "RESOURCE_NOT_FOUND" : undefined };
      return (injection) => lanes.run("all", () => inject(bench, injection, wanted));
    },
    stop: () => bench.stop(),
  };
});

/** One fault at one request: what is wrong with the answer, and with what the same call answers afterwards. */
async function inject(
  bench: Bench,
  injection: Injection<Kind>,
  wanted: { readonly status: number; readonly code: unknown },
): Promise<string[]> {
  const { row, call, nth, kind } = injection;
  const { binding, arrange, input } = scenarioOf(row);
  const slot = await bench.slot();
  await arrange?.(slot);
  const suite = slot.suite(binding, kind === "slow" ? "impatient" : "patient");
  const [service, action] = call.split(":") as ["registry" | "token", string];
  const times = injection.times === "once" ? 1 : Number.POSITIVE_INFINITY;
  slot.front.faults.add({ fault: kinds[kind].fault, service, action, nth, times });
  const answer = await suite.ask(row.operation, input(slot));
  const problems = expectedAnswer(answer, injection, kinds[kind], wanted);
  if (`${answer.text}${answer.headers}${JSON.stringify(suite.audit)}`.includes(canary)) {
    problems.push("the registry's own words are told");
  }
  slot.front.faults.clear();
  const again = await slot.suite(binding).ask(row.operation, input(slot));
  if (again.status !== wanted.status) problems.push(`the same call again answers ${again.text}`);
  await slot.stop();
  return problems;
}
