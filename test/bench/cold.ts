/**
 * The time from the import of the Lambda bundle to its first credential, above an empty module: `npm run bench:cold
 * [rounds]`. Each round is a new process per row, in turn, so that whatever else the machine does hits all alike.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle, bundleDir, contentOf } from "../aws/bundle/bundle.ts";
import { type ColdStart, coldStart } from "../aws/bundle/child.ts";
import { startStub } from "./stub-aws.ts";

const rounds = Number(process.argv[2] ?? 20);
const role = "arn:aws:iam::111122223333:role/images-pull";
const event = { operation: "generateCredentials", registry: "images", repoId: "images-my-app", permissions: "pull" };

buildBundle();
const folder = mkdtempSync(join(tmpdir(), "bench-cold-"));
const empty = join(folder, "empty.js");
writeFileSync(empty, "exports.handler = async () => ({});\n");
const stub = await startStub();
const env = {
  AWS_REGION: "us-east-1",
  AWS_ENDPOINT_URL: stub.url,
  AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
  AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
  ALIEN_DOOR: "invoke",
  ALIEN_IMAGES_BINDING: JSON.stringify({ service: "ecr", repositoryPrefix: "images", pullRoleArn: role }),
  ALIEN_ACCESS_RULES: JSON.stringify([
    {
      callers: [{ issuer: "door", subject: "invoke" }],
      operations: ["generateCredentials"],
      registries: ["images"],
      repositories: ["*"],
    },
  ]),
};
const cache = { NODE_COMPILE_CACHE: join(folder, "cache") };
const rows = [
  { name: "without a compile cache", file: join(bundleDir, "index.js"), env, of: "function" },
  { name: "without a compile cache", file: empty, env, of: "empty" },
  { name: "with NODE_COMPILE_CACHE", file: join(bundleDir, "index.js"), env: { ...env, ...cache }, of: "function" },
  { name: "with NODE_COMPILE_CACHE", file: empty, env: { ...env, ...cache }, of: "empty" },
] as const;

const results = new Map<(typeof rows)[number], ColdStart[]>(rows.map((row) => [row, []]));
const load = loadavg()[0];
// The first two fill the disk's cache and the compile cache.
for (let round = -2; round < rounds; round++) {
  for (const row of rows) {
    const result = await coldStart(row.file, event, row.env);
    if (row.of === "function" && !hasPassword(result)) throw new Error(JSON.stringify(result));
    if (round >= 0) results.get(row)?.push(result);
  }
}
stub.stop();
rmSync(folder, { recursive: true });

type What = "import" | "total";
const sorted = (name: string, of: "function" | "empty", what: What): number[] => {
  const row = rows.find((each) => each.name === name && each.of === of);
  return ((row && results.get(row)) ?? []).map((each) => each.milliseconds[what]).sort((a, b) => a - b);
};
const median = (values: readonly number[]) => values[Math.floor(values.length / 2)] ?? Number.NaN;
const loaded = results.get(rows[0])?.[0]?.loaded ?? [];
const machine = `${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, Node ${process.versions.node}`;
console.log(`${machine}, load average ${load?.toFixed(1)} before`);
console.log(`files of the bundle that are loaded: ${(contentOf(loaded).bytes / 1024).toFixed(0)} KiB\n`);
console.log(
  `| ms above an empty module, median of ${rounds} (fastest) | import | import and first credential |\n|---|---|---|`,
);
for (const name of new Set(rows.map((row) => row.name))) {
  const above = (what: What) => {
    const [ours, nothing] = [sorted(name, "function", what), median(sorted(name, "empty", what))];
    return `${(median(ours) - nothing).toFixed(1)} (${((ours[0] ?? Number.NaN) - nothing).toFixed(1)})`;
  };
  console.log(`| ${name} | ${above("import")} | ${above("total")} |`);
}

function hasPassword({ answer }: ColdStart): boolean {
  return typeof answer === "object" && answer !== null && "password" in answer;
}
