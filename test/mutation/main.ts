import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { report as printTally } from "../e2e/tally.ts";
import { judge, type List, type Report } from "./judge.ts";

/**
 * Changes the code in small ways, one at a time, and runs the tests that reach the change: `npm run test:mutation`, or with
 * files behind `--` for these alone. A change that no test notices fails, unless `survivors.json` says why it changes nothing.
 */
const files = process.argv.slice(2);
const reportFile = ".stryker-tmp/report.json";

rmSync(reportFile, { force: true });
const mutate = files.length > 0 ? ["--mutate", files.join(",")] : [];
const { status } = spawnSync("stryker", ["run", "test/mutation/stryker.json", ...mutate], {
  stdio: ["ignore", "inherit", "inherit"],
});
if (status !== 0) throw new Error(`Stryker ended with the exit code ${status}.`);

const list: List = JSON.parse(readFileSync(new URL("survivors.json", import.meta.url), "utf8"));
const report: Report = JSON.parse(readFileSync(reportFile, "utf8"));
const { killed, unknown, gone } = judge(report, list);
for (const each of unknown) console.log(`No test notices this change:\n${JSON.stringify(each, undefined, 2)}`);
for (const each of gone)
  console.log(`A test notices this change, or the line is gone:\n${JSON.stringify(each, undefined, 2)}`);
const failed = unknown.length + gone.length;
printTally("mutation", { passed: killed, failed, skipped: 0 });
process.exitCode = failed === 0 ? 0 : 1;
