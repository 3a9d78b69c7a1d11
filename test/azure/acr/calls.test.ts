import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { markdown, rows } from "./calls.golden.ts";
import { type Bench, startBench } from "./support/bench.ts";
import { arranged, scenarioOf } from "./support/goes.ts";
import { scenarios } from "./support/scenarios.ts";

const shown = ({ service, action }: { service: string; action: string }) => `${service}:${action}`;

/**
 * What the audit log counts. Azure's client asks for its tokens by itself, and, with the last look at an operation, for
 * what that made; an exchange asks for the identity's token on our account.
 */
function counted(calls: readonly string[]): number {
  const count = (wanted: string) => calls.filter((call) => call === wanted).length;
  const own = calls.length - count("identity:getToken") - count("arm:GET operationStatuses of scopeMaps");
  return own + count("acr:exchange");
}

describe("the calls that each operation makes", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench(1);
  });
  afterAll(() => bench?.stop());

  test.each(rows)("$operation: $title", async (row) => {
    const run = await arranged(bench.slot(1), row, "quick");
    const { calls } = bench.azure;
    const [before, audited] = [calls.length, run.suite.audit.length];
    await scenarioOf(row).run(run);
    expect(calls.slice(before).map(shown)).toEqual(row.calls);
    const lines = run.suite.audit.slice(audited);
    expect(lines.reduce((sum, { upstreamCalls }) => sum + upstreamCalls, 0)).toBe(counted(row.calls));
  });

  test("every case that is run is in the table", () => {
    const run = Object.entries(scenarios).flatMap(([operation, cases]) =>
      Object.keys(cases).map((title) => `${operation}: ${title}`),
    );
    expect(run.sort()).toEqual(rows.map(({ operation, title }) => `${operation}: ${title}`).sort());
  });

  test("docs/azure.md has the same table", () => {
    expect(readFileSync(join(import.meta.dirname, "../../../docs/azure.md"), "utf8")).toContain(markdown());
  });
});
