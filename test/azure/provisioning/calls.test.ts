import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { provisioningMarkdown, provisioningRows } from "./calls.golden.ts";
import { type Bench, startBench } from "./support/bench.ts";
import { scenarios } from "./support/scenarios.ts";
import { arranged, run } from "./support/stage.ts";

const shown = ({ service, action }: { service: string; action: string }) => `${service}:${action}`;

describe("the calls that each operation on a registry itself makes", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench(1);
  });
  afterAll(() => bench?.stop());

  test.each(provisioningRows)("$operation: $title", async (row) => {
    const suite = await arranged(bench.slot(1), row, "quick");
    const { calls } = bench.azure;
    const before = calls.length;
    await run(suite, row);
    expect(calls.slice(before).map(shown)).toEqual(row.calls);
  });

  test("docs/azure.md has the same table", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/azure.md"), "utf8");
    expect(page).toContain(provisioningMarkdown());
  });

  test("every case that is run is in the table", () => {
    const run = Object.entries(scenarios).flatMap(([operation, cases]) =>
      Object.keys(cases).map((title) => `${operation}: ${title}`),
    );
    expect(run.sort()).toEqual(provisioningRows.map(({ operation, title }) => `${operation}: ${title}`).sort());
  });
});
