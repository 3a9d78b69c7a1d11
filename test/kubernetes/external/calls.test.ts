import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { markdown, rows } from "./calls.golden.ts";
import { type Bench, startBench } from "./support/bench.ts";
import type { Passed } from "./support/front.ts";
import { scenarioOf, scenarios } from "./support/scenarios.ts";

describe("the requests that each operation makes", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.stop());

  test.each(rows)("$operation: $title", async (row) => {
    const { binding, arrange, again, input } = scenarioOf(row);
    const slot = await bench.slot();
    await arrange?.(slot);
    const suite = slot.suite(binding);
    if (again) await suite.ask(row.operation, input(slot));
    const from = slot.front.passed.length;
    const { status } = await suite.ask(row.operation, input(slot));
    expect(status).toBe(row.title === "one that does not exist" ? 404 : 200);
    expect(shown(slot.front.passed.slice(from))).toEqual(row.calls);
  });

  test("every case that is run is in the table", () => {
    const run = Object.entries(scenarios).flatMap(([operation, cases]) =>
      Object.keys(cases).map((title) => `${operation}: ${title}`),
    );
    expect(run.sort()).toEqual(rows.map(({ operation, title }) => `${operation}: ${title}`).sort());
  });

  test("docs/kubernetes.md has the same table", () => {
    expect(readFileSync(join(import.meta.dirname, "../../../docs/kubernetes.md"), "utf8")).toContain(markdown());
  });

  test("the tokens of the function's own account are used again", async () => {
    const slot = await bench.slot();
    const suite = slot.suite();
    await suite.ask("createRepository", { name: slot.logical });
    const from = slot.front.passed.length;
    await suite.ask("createRepository", { name: slot.logical });
    await suite.ask("getRepository", { repoId: slot.name });
    expect(shown(slot.front.passed.slice(from))).toEqual(["registry:HEAD manifest", "registry:HEAD manifest"]);
  });
});

/** Blobs go at once: how many of them are refused before the first has a token is not told. */
function shown(passed: readonly Passed[]): string[] {
  return passed
    .filter(({ outcome, action }, i) => !(outcome === "401" && action === passed[i + 1]?.action))
    .map(({ service, action }) => `${service}:${action}`);
}
