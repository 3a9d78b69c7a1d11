/** The OpenAPI document under a linter, and the server under a fuzzer that reads it: `npm run test:api`. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openApiFiles } from "../../scripts/openapi.ts";
import { tool } from "../tools/tools.ts";
import { startSuite } from "./server.ts";
import { readJunit, report, type Tally } from "./tally.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const config = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
const TIME_LIMIT_MS = 30 * 60_000;
/** Requests of one run; fewer mean that the fuzzer found little to do. */
const FEW_REQUESTS = 500;

/** Runs a command to its end and answers its exit code; what it says is shown. */
function execute(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
      timeout: TIME_LIMIT_MS,
    });
    child.once("error", reject).once("exit", resolve);
  });
}

async function lint(file: string): Promise<Tally> {
  const quiet = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const args = ["lint", "--extends=recommended", "--format=stylish", file];
  const code = await execute(root, join(root, "node_modules/.bin/redocly"), args, quiet);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

async function fuzz(file: string, folder: string, url: string, callerToken: string): Promise<Tally> {
  const junit = join(folder, "junit.xml");
  const json = join(folder, "report.json");
  // It leaves a folder where it runs.
  const code = await execute(
    folder,
    tool("st"),
    [
      ...["--config-file", config, "--no-color", "run", file, "--url", url],
      ...["--header", `Authorization: Bearer ${callerToken}`, "--continue-on-failure", "--warnings", "off"],
      ...["--report", "junit,json", "--report-junit-path", junit, "--report-json-path", json],
    ],
    // Examples that the fuzzer keeps from run to run would make two runs differ.
    { HYPOTHESIS_STORAGE_DIRECTORY: join(folder, "hypothesis") },
  );
  const { failures, skips: _, ...tally } = readJunit(await readFile(junit, "utf8"));
  const { test_cases: requests, operations } = JSON.parse(await readFile(json, "utf8"));
  for (const name of failures) console.error(`failed: ${name}`);
  const whole = operations?.tested === operations?.total && requests.generated >= FEW_REQUESTS;
  if (!whole) console.error(`${operations?.tested} of ${operations?.total} operations, ${requests.generated} requests`);
  // What the exit code knows and no case shows (an error of the fuzzer itself) counts as one more failure.
  if ((code !== 0 && tally.failed === 0) || !whole) tally.failed++;
  return tally;
}

/**
 * The document with `registry` and half of the repository ids nailed to what exists: at random, no request would ever
 * get past the registry's name.
 */
function narrowed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(narrowed);
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) copy[key] = narrowed(inner);
  const properties = copy.properties as Record<string, unknown> | undefined;
  if (properties?.registry !== undefined) properties.registry = { const: "images" };
  if (properties?.repoId !== undefined) properties.repoId = { anyOf: [{ const: "images/my-app" }, properties.repoId] };
  return copy;
}

const suite = await startSuite();
const folder = await mkdtemp(join(tmpdir(), "api-"));
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const add = ({ passed, failed, skipped }: Tally): void => {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
};
try {
  const document = await (await fetch(`${suite.url}/openapi.json`)).text();
  const asPublished = join(folder, "openapi.json");
  const older = join(folder, "openapi-3.0.json");
  const forImages = join(folder, "images.json");
  await writeFile(asPublished, document);
  await writeFile(forImages, JSON.stringify(narrowed(JSON.parse(document))));
  await writeFile(older, openApiFiles()["openapi-3.0.json"]);
  add(await lint(asPublished));
  add(await lint(older));
  await suite.create("my-app");
  add(await fuzz(asPublished, folder, suite.url, suite.callerToken));
  add(await fuzz(forImages, folder, suite.url, suite.callerToken));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  total.failed++;
} finally {
  await rm(folder, { recursive: true, force: true });
  await suite.stop();
}
report("api", total);
process.exitCode = total.failed > 0 ? 1 : 0;
