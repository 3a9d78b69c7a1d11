import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { account } from "../../../functions/aws/grants/grant.ts";
import { home, markdown, replicas, rows, wideRows } from "./calls.golden.ts";
import { type Applications, type Bench, startBench } from "./support/bench.ts";
import { A, B } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { seed } from "./support/replicated.ts";
import { scenarios } from "./support/scenarios.ts";

let bench: Bench;
let applications: Applications;
beforeAll(async () => {
  bench = await startBench();
  applications = bench.applications({});
});
afterAll(() => bench.stop());

describe("the calls that each operation makes", () => {
  test.each(rows)("$operation: $title", async ({ operation, title, calls }) => {
    const scenario = scenarios[operation]?.[title];
    if (scenario === undefined) throw new Error("The table has a row that nothing runs.");
    const slot = bench.slot(rows.findIndex((row) => row.operation === operation && row.title === title));
    const run = { slot, applications, application: scenario.application ?? "plain", caller: slot.logical } as const;
    await slot.clear();
    await scenario.arrange?.(run);
    const { calls: seen } = bench.stack.emulator;
    const [before, audited] = [seen.length, applications[run.application].audit.length];
    await scenario.run(run);
    const made = seen.slice(before).map(({ service, action, region }) => `${service}:${action}@${region}`);
    expect(inOrder(made)).toEqual(inOrder(calls));
    // What the audit log counts is what was sent.
    const counted = applications[run.application].audit.slice(audited).map(({ upstreamCalls }) => upstreamCalls);
    expect(counted).toEqual([calls.length]);
  });

  test.each(wideRows.map((row, index) => ({ ...row, prefix: `wide${index}` })))(
    "$operation: $title",
    async ({ operation, title, calls, prefix }) => {
      const { ask, audit } = await bench.registry(prefix);
      const name = `${prefix}-app`;
      seed(bench.stack, [home, ...replicas], name, [account(A), account(B)].slice(title.includes("does not") ? 1 : 0));
      const onRecord = { repoId: name, access: access({ accountIds: [B] }) };
      if (title.includes("on whose record")) await ask("addCrossAccountAccess", onRecord);
      const input = operation === "listRepositories" ? {} : { grantee: `aws:${A}` };
      const first = title.includes("replica region") && (await ask(operation, input)).body.nextPageToken;
      const { calls: seen } = bench.stack.emulator;
      const [before, audited] = [seen.length, audit.length];
      expect(await ask(operation, first ? { ...input, pageToken: first } : input)).toMatchObject({ status: 200 });
      const made = seen.slice(before).map(({ service, action, region }) => `${service}:${action}@${region}`);
      expect(inOrder(made)).toEqual(inOrder(calls));
      expect(audit.slice(audited).map(({ upstreamCalls }) => upstreamCalls)).toEqual([calls.length]);
    },
  );

  test("every case that is run is in the table", () => {
    const run = Object.entries(scenarios).flatMap(([operation, cases]) =>
      Object.keys(cases).map((title) => `${operation}: ${title}`),
    );
    expect(run.sort()).toEqual(rows.map(({ operation, title }) => `${operation}: ${title}`).sort());
  });

  test("docs/aws.md has the same table", () => {
    expect(readFileSync(join(import.meta.dirname, "../../../docs/aws.md"), "utf8")).toContain(markdown());
  });
});

/** Calls to several regions go out at once, and so do those that only read. They arrive in any order. */
function inOrder(calls: readonly string[]): string[] {
  const groups: string[][] = [];
  const actionOf = (call: string | undefined) => call?.replace(/@.*/, "").replace(/^.*:(?:Get|Describe).*/, "a read");
  for (const call of calls) {
    const last = groups.at(-1);
    if (last !== undefined && actionOf(last[0]) === actionOf(call)) last.push(call);
    else groups.push([call]);
  }
  return groups.flatMap((group) => group.sort());
}
