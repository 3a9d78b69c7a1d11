/**
 * Our conformance judge against our registry, with authentication on: `npm run test:conformance`. Where the official
 * suite is installed (`bash test/tools/install.sh conformance`, or OCI_CONFORMANCE for another build of it), that runs
 * as well; where it is not, one line says so and it counts as skipped. `--junit FILE` keeps the judge's report.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { readJunit, report, type Tally } from "../e2e/tally.ts";
import { tool } from "../tools/tools.ts";
import { casesFor } from "./cases/index.ts";
import { judge } from "./judge/case.ts";
import { openRegistry } from "./judge/registry.ts";
import { toJunit } from "./junit.ts";
import { runOfficialSuite } from "./official.ts";
import { printFailures } from "./print.ts";
import { startOurs } from "./targets.ts";

/**
 * What the official suite skips where a registry does without it, as it may: a mount that names no source would tell
 * its caller what other repositories hold.
 */
const NOT_OURS = /mount[ -]anonymous/;

/** No more cases than this mean that the judge, or the suite, did not really run. */
const FEW = { ours: 400, official: 600 };

async function runOurs(junit: string | undefined): Promise<Tally> {
  const running = await startOurs();
  try {
    const outcomes = await judge(openRegistry(running.target), casesFor(running.target));
    const xml = toJunit("our judge on our registry", outcomes);
    if (junit !== undefined) await writeFile(junit, xml);
    printFailures(outcomes);
    return enough("our judge", readJunit(xml), FEW.ours);
  } finally {
    await running.stop();
  }
}

async function runOfficial(): Promise<Tally> {
  let binary: string;
  try {
    binary = process.env.OCI_CONFORMANCE ?? tool("conformance");
  } catch {
    console.log("SKIPPED: the official conformance suite is not installed (test/tools/install.sh conformance)");
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const { failures, skips, ...tally } = await runOfficialSuite(binary);
  for (const name of failures) console.log(`failed: official suite: ${name}`);
  const left = skips.filter((name) => !NOT_OURS.test(name));
  for (const name of left) console.log(`failed: official suite: ${name}: it was skipped`);
  return enough(
    "the official suite",
    { passed: tally.passed, failed: tally.failed + left.length, skipped: 0 },
    FEW.official,
  );
}

function enough(name: string, { passed, failed, skipped }: Tally, few: number): Tally {
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (passed + failed + skipped > few) return { passed, failed, skipped };
  console.log(`${name}: no more than ${few} cases: it did not run`);
  return { passed, failed: failed + 1, skipped };
}

async function attempt(name: string, run: () => Promise<Tally>): Promise<Tally> {
  try {
    return await run();
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const { values } = parseArgs({ options: { junit: { type: "string" } } });
const tallies = [
  await attempt("our judge", () => runOurs(values.junit)),
  await attempt("the official suite", runOfficial),
];
const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
const total = { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
report("conformance", total);
process.exitCode = total.failed > 0 ? 1 : 0;
