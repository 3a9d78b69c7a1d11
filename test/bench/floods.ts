/**
 * What floods of unfinished requests cost the servers, and the callers beside them: `npm run bench:floods`. FLOODS_OF names
 * another checkout whose servers are to be flooded.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { containerFloods, type Flooded, floodContainer } from "./floods/container.ts";
import { floodLocal, localFloods } from "./floods/local.ts";

const checkout = process.env.FLOODS_OF ?? fileURLToPath(new URL("../../", import.meta.url));
execFileSync(process.execPath, ["scripts/build.ts", "kubernetes", "local"], { cwd: checkout, stdio: "inherit" });

const rows: readonly [name: string, run: () => Promise<Flooded>][] = [
  ["container, 12,000 unfinished headers of 12 KB", () => floodContainer(checkout, containerFloods.headers())],
  ["container, 6,000 unfinished bodies of 58 KB", () => floodContainer(checkout, containerFloods.bodies())],
  [
    "container with TLS, 12,000 unfinished headers of 12 KB",
    () => floodContainer(checkout, containerFloods.headers(), { tls: true }),
  ],
  ["local, 200 unfinished manifests of 4 MiB", () => floodLocal(checkout, localFloods.manifests())],
  ["local, 10,100 upload sessions", () => floodLocal(checkout, localFloods.uploads())],
];
console.log(
  "| flood | memory before, MiB | highest, MiB | answers beside it | median, ms | slowest, ms |\n|---|---|---|---|---|---|",
);
for (const [name, run] of rows) {
  const { before, peak, outcomes, medianMs, slowestMs } = await run();
  const answers = Object.entries(outcomes).map(([outcome, count]) => `${count} × ${outcome}`);
  console.log(
    `| ${name} | ${before.toFixed(0)} | ${peak.toFixed(0)} | ${answers.join(", ")} | ${medianMs} | ${slowestMs} |`,
  );
}
process.exit();
