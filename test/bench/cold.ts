/**
 * The time from the import of a platform's bundle to its first credential, above an empty module: `npm run bench:cold
 * [rounds [platform …]]`. Each round is a new process per row, in turn, so that whatever else the machine does hits all
 * alike.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { ColdStart } from "../support/cold-start.ts";
import { awsSubject } from "./cold/aws.ts";
import { azureSubject } from "./cold/azure.ts";
import { gcpSubject } from "./cold/gcp.ts";
import type { Subject } from "./cold/subject.ts";

const platforms = { aws: awsSubject, azure: azureSubject, gcp: gcpSubject };

type What = keyof ColdStart<unknown>["milliseconds"];
interface Row {
  readonly name: string;
  readonly of: "function" | "empty";
  readonly file: string;
  readonly env: Subject["env"];
  readonly results: ColdStart<unknown>[];
}

const [rounds = "20", ...asked] = process.argv.slice(2);
console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, Node ${process.versions.node}`);
for (const [name, open] of Object.entries(platforms)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const subject = await open();
  const folder = mkdtempSync(join(tmpdir(), "bench-cold-"));
  try {
    await bench(subject, folder, Number(rounds));
  } finally {
    subject.stop();
    rmSync(folder, { recursive: true });
  }
}

async function bench(subject: Subject, folder: string, times: number): Promise<void> {
  const { bundle, env, empty, name } = subject;
  bundle.build();
  const nothing = join(folder, "empty.js");
  writeFileSync(nothing, empty);
  const cached = { ...env, NODE_COMPILE_CACHE: join(folder, "cache") };
  const rows: Row[] = [
    { name: "without a compile cache", env },
    { name: "with NODE_COMPILE_CACHE", env: cached },
  ].flatMap((row) => [
    { ...row, of: "function", file: join(bundle.dir, "index.js"), results: [] },
    { ...row, of: "empty", file: nothing, results: [] },
  ]);
  const load = loadavg()[0]?.toFixed(1);
  // The first two fill the disk's cache and the compile cache.
  for (let round = -2; round < times; round++) {
    for (const { of, file, env: its, results } of rows) {
      const result = await subject.run(file, its);
      if (of === "function" && !result.minted) throw new Error(JSON.stringify(result));
      if (round >= 0) results.push(result);
    }
  }
  const loaded = bundle.contentOf(rows[0]?.results[0]?.loaded ?? []).bytes / 1024;
  console.log(
    `\n${name}: load average ${load} before; files of the bundle that are loaded: ${loaded.toFixed(0)} KiB\n`,
  );
  console.log(`| ms above an empty module, median of ${times} (fastest) | import | import and first credential |`);
  console.log("|---|---|---|");
  for (const row of rows.filter(({ of }) => of === "function")) {
    const beside = rows.find((other) => other.name === row.name && other.of === "empty");
    const above = (what: What) => {
      const [ours, without] = [sorted(row, what), sorted(beside, what)];
      return `${(median(ours) - median(without)).toFixed(1)} (${(least(ours) - least(without)).toFixed(1)})`;
    };
    console.log(`| ${row.name} | ${above("import")} | ${above("total")} |`);
  }
}

function sorted(row: Row | undefined, what: What): number[] {
  return (row?.results ?? []).map((each) => each.milliseconds[what]).sort((a, b) => a - b);
}

function median(values: readonly number[]): number {
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}

function least(values: readonly number[]): number {
  return values[0] ?? Number.NaN;
}
