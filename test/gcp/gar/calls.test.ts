import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/gcp/index.ts";
import { openSuite } from "../../support/suite.ts";
import { type GcpStack, startStack } from "../support/stack.ts";
import { markdown, provisioningRows, rows } from "./calls.golden.ts";
import { type Bench, startBench } from "./support/bench.ts";
import { arranged, scenarioOf } from "./support/goes.ts";
import { makeConsumers, scenarios } from "./support/scenarios.ts";

const shown = ({ service, action }: { service: string; action: string }) => `${service}:${action}`;
/** The library that finds the function's identity asks the metadata server by itself. */
const counted = (calls: readonly string[]) => calls.filter((call) => !call.startsWith("metadata:")).length;

describe("the calls that each operation makes", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench(1);
    makeConsumers(bench.stack.gcp);
  });
  afterAll(() => bench.stop());

  test.each(rows)("$operation: $title", async (row) => {
    const run = await arranged(bench.slot(1), row, "quick");
    const { calls } = bench.stack.gcp;
    const [before, audited] = [calls.length, run.suite.audit.length];
    await scenarioOf(row).run(run);
    expect(calls.slice(before).map(shown)).toEqual(row.calls);
    // What the audit log counts is what was sent.
    const lines = run.suite.audit.slice(audited);
    expect(lines.reduce((sum, { upstreamCalls }) => sum + upstreamCalls, 0)).toBe(counted(row.calls));
  });

  test("every case that is run is in the table", () => {
    const run = Object.entries(scenarios).flatMap(([operation, cases]) =>
      Object.keys(cases).map((title) => `${operation}: ${title}`),
    );
    expect(run.sort()).toEqual(rows.map(({ operation, title }) => `${operation}: ${title}`).sort());
  });

  test("docs/gcp.md has the same table", () => {
    expect(readFileSync(join(import.meta.dirname, "../../../docs/gcp.md"), "utf8")).toContain(markdown());
  });
});

describe("the calls that a registry's life makes", () => {
  let stack: GcpStack;
  beforeAll(async () => {
    const projectRoles = ["roles/artifactregistry.admin", "roles/iam.serviceAccountAdmin"];
    stack = await startStack({ repositories: [], projectRoles });
    stack.useInThisProcess();
  });
  afterAll(() => stack.stop());

  // In this order: each starts from what the one before it left.
  const life = [
    ["provisionRegistry", "from nothing"],
    ["provisionRegistry", "one that is there"],
    ["describeRegistry", "through the provision door"],
    ["deprovisionRegistry", "an empty one"],
    ["deprovisionRegistry", "one that is gone"],
  ] as const;

  test("from nothing to nothing", async () => {
    const suite = openSuite(platform, {
      ...stack.env(),
      ALIEN_DOOR: "provision",
      ALIEN_STACK_PREFIX: "shop",
      GOOGLE_CLOUD_LOCATION: stack.location,
    });
    const seen = [];
    for (const [operation, title] of life) {
      const { calls } = stack.gcp;
      const from = calls.length;
      const { status, text } = await suite.ask(operation, {});
      expect([status, text]).toEqual([200, expect.anything()]);
      seen.push({ operation, title, calls: calls.slice(from).map(shown) });
    }
    const inOrder = life.map(([operation, title]) =>
      provisioningRows.find((row) => row.operation === operation && row.title === title),
    );
    expect(seen).toEqual(inOrder);
    expect(provisioningRows).toHaveLength(life.length);
  });
});
