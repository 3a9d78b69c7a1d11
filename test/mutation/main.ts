import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { matchesGlob } from "node:path";
import { report as printTally } from "../e2e/tally.ts";
import { joined, judge, type List, placesOfSurvivors, type Report } from "./judge.ts";
import { type MutationSet, sets } from "./sets.ts";

/**
 * Changes the code in small ways, one at a time, and runs the tests that reach the change: `npm run test:mutation`, or with
 * files behind `--` for these alone. A change that no test notices fails, unless `survivors.json` says why it changes nothing.
 */
const asked = process.argv.slice(2);
const reportFile = ".stryker-tmp/report.json";
const list: List = JSON.parse(readFileSync(new URL("survivors.json", import.meta.url), "utf8"));
const sum = { passed: 0, failed: 0, skipped: 0 };

for (const [index, set] of sets.entries()) {
  const files = asked.filter((file) => set.mutate.some((pattern) => matchesGlob(file, pattern)));
  if (asked.length > 0 && files.length === 0) continue;
  const { killed, unknown, gone } = judge(changeAll(index, set, files), list);
  for (const each of unknown) console.log(`No test notices this change:\n${JSON.stringify(each, undefined, 2)}`);
  for (const each of gone)
    console.log(`A test notices this change, or the line is gone:\n${JSON.stringify(each, undefined, 2)}`);
  sum.passed += killed;
  sum.failed += unknown.length + gone.length;
}
const none = sum.passed + sum.failed === 0;
if (none) console.error("No change was made: no set of test/mutation/sets.ts has these files.");
printTally("mutation", sum);
process.exitCode = sum.failed === 0 && !none ? 0 : 1;

/** @param files of the set; all of it where there is none */
function changeAll(index: number, set: MutationSet, files: readonly string[]): Report {
  const env = { ...process.env, ...set.env, MUTATION_SET: String(index) };
  const report = change(files.length > 0 ? files : set.mutate, env);
  const left = placesOfSurvivors(report);
  if (set.slower === undefined || left.length === 0) return report;
  return joined(report, change(left, { ...env, MUTATION_ROUND: "slower" }));
}

function change(places: readonly string[], env: NodeJS.ProcessEnv): Report {
  rmSync(reportFile, { force: true });
  const { status } = spawnSync("stryker", ["run", "test/mutation/stryker.json", "--mutate", places.join(",")], {
    stdio: ["ignore", "inherit", "inherit"],
    env,
  });
  if (status !== 0) throw new Error(`Stryker ended with the exit code ${status}.`);
  return JSON.parse(readFileSync(reportFile, "utf8"));
}
