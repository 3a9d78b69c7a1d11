import { expect, it } from "vitest";
import { tool } from "../../tools/tools.ts";
import { casesFor } from "../cases/index.ts";
import { judge } from "../judge/case.ts";
import { openRegistry } from "../judge/registry.ts";
import { startDistribution } from "../targets.ts";
import { compare } from "./distribution.ts";

it("the conformance judge finds in distribution what is known of it, and no more", async () => {
  const distribution = await startDistribution(tool("docker-registry"));
  try {
    const outcomes = await judge(openRegistry(distribution.target), casesFor(distribution.target));
    expect(compare(outcomes)).toEqual({ unexplained: [], unseen: [] });
    // Most of the cases hold for it too: the judge is not made to our registry's measure.
    expect(outcomes.filter(({ failure }) => failure === undefined).length).toBeGreaterThan(1500);
  } finally {
    await distribution.stop();
  }
});
