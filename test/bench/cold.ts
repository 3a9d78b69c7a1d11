/**
 * What the first credential costs after a cold start: `npm run bench:cold [rounds [platform …]]`, with `LATENCY_MS` for how long
 * each request to the cloud takes. Beside our bundle: a function that does nothing, those that make the same requests in other
 * ways, and our bundle of an earlier commit. Each round is a new process per row, in turn, so that whatever else the machine does
 * hits all alike; what counts are the ratios. The clouds are servers on the loopback that speak TLS and answer without thinking.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createAuthority } from "../emulators/azure/http/certificates.ts";
import type { ColdStart } from "../support/cold-start.ts";
import { extractCommit } from "../support/commits.ts";
import { awsSubject } from "./cold/aws.ts";
import { azureSubject } from "./cold/azure.ts";
import { gcpSubject } from "./cold/gcp.ts";
import { bundleFor, bundleSource, type Subject } from "./cold/subject.ts";

const platforms = { aws: awsSubject, azure: azureSubject, gcp: gcpSubject };
/** Before credentials were made without the clouds' libraries. */
const earlier = "eccb7f4";
const framework = "@google-cloud/functions-framework";
const root = join(import.meta.dirname, "../..");

type What = keyof ColdStart<unknown>["milliseconds"];
interface Row {
  readonly name: string;
  readonly file: string;
  readonly env: Subject["env"];
  readonly results: ColdStart<unknown>[];
}

const [rounds = "30", ...asked] = process.argv.slice(2);
const latencyMs = Number(process.env.LATENCY_MS ?? 0);
console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, Node ${process.versions.node}, ${latencyMs} ms away`);
const folder = mkdtempSync(join(tmpdir(), "bench-cold-"));
try {
  const { ca, server: certificate } = await createAuthority();
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, ca);
  buildEarlier(join(folder, "earlier"));
  // A function registers itself at the framework that runs it, which is this clone's.
  for (const place of [folder, join(folder, "earlier")]) {
    const link = join(place, "node_modules", framework);
    rmSync(link, { recursive: true, force: true });
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", framework), link);
  }
  for (const [name, open] of Object.entries(platforms)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const subject = await open({ latencyMs, certificate });
    try {
      await bench({ ...subject, env: { ...subject.env, NODE_EXTRA_CA_CERTS: caFile } }, Number(rounds));
    } finally {
      subject.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** The bundles of the earlier commit, with its own packages. */
function buildEarlier(into: string): void {
  const run = (command: string, args: readonly string[]) => execFileSync(command, args, { cwd: into, stdio: "pipe" });
  mkdirSync(into);
  extractCommit(earlier, into);
  run("npm", ["ci", "--no-audit", "--no-fund"]);
  run(process.execPath, ["scripts/build.ts", "aws", "azure", "gcp"]);
}

async function bench(subject: Subject, times: number): Promise<void> {
  const { env, others, name } = subject;
  const bundle = bundleFor(subject);
  bundle.build();
  const row = (rowName: string, file: string, its = env): Row => ({ name: rowName, file, env: its, results: [] });
  const ours = row("ours", join(bundle.dir, "index.js"));
  const rows = [
    ours,
    row("ours, with NODE_COMPILE_CACHE", ours.file, { ...env, NODE_COMPILE_CACHE: join(folder, "cache") }),
    row(`ours of ${earlier}`, join(folder, "earlier/dist", name, "index.js"), withoutPermissions(env)),
  ];
  for (const [each, source] of Object.entries(others)) {
    rows.push(row(each, await bundleSource(source, join(folder, `${name}-${each.replaceAll(/\W+/g, "-")}.js`))));
  }
  const load = loadavg()[0]?.toFixed(1);
  // The first two fill the disk's cache and the compile cache.
  for (let round = -2; round < times; round++) {
    for (const { name: each, file, env: its, results } of rows) {
      const result = await subject.run(file, its);
      if (each !== "empty" && !result.minted) throw new Error(`${each}: ${JSON.stringify(result)}`);
      if (round >= 0) results.push(result);
    }
  }
  const loaded = bundle.contentOf(ours.results[0]?.loaded ?? []).bytes / 1024;
  console.log(`\n${name}: load average ${load} before; ours loads ${loaded.toFixed(0)} KiB of its bundle\n`);
  console.log(
    `| ms above an empty module, median of ${times} (fastest) | import | first credential | of the processor | ours / it, wall | processor |`,
  );
  console.log("|---|---|---|---|---|---|");
  const empty = rows.find((each) => each.name === "empty");
  const above = (each: Row, what: What) =>
    [median, least].map((of) => of(sorted(each, what)) - of(sorted(empty, what)));
  for (const each of rows.filter((one) => one !== empty)) {
    const cells = (["import", "total", "processor"] as const).map((what) => {
      const [middle = Number.NaN, fastest = Number.NaN] = above(each, what);
      return `${middle.toFixed(1)} (${fastest.toFixed(1)})`;
    });
    const ratios = (["total", "processor"] as const).map((what) =>
      ((above(ours, what)[0] ?? Number.NaN) / (above(each, what)[0] ?? Number.NaN)).toFixed(2),
    );
    console.log(`| ${[each.name, ...cells, ...ratios].join(" | ")} |`);
  }
}

/** Rules had no permissions then. */
function withoutPermissions({ ALIEN_ACCESS_RULES: rules = "[]", ...env }: Subject["env"]): Subject["env"] {
  const without = JSON.parse(rules).map(({ permissions: _, ...rule }: { permissions: unknown }) => rule);
  return { ...env, ALIEN_ACCESS_RULES: JSON.stringify(without) };
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
