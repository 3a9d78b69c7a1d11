/**
 * The official OCI conformance suite against our registry, with authentication on: `npm run test:conformance`.
 * `bash test/tools/install.sh conformance` builds it; OCI_CONFORMANCE names another build of it.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveRegistry } from "../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { tool } from "../tools/tools.ts";
import { readJunit, report, type Tally } from "./tally.ts";

/** The suite exits with 0 when it cannot even begin: no more cases than this mean that it did not run. */
const FEW_CASES = 600;
const TIME_LIMIT_MS = 10 * 60_000;
const [first, second] = ["conformance/one", "conformance/two"] as const;

async function run(binary: string, folder: string): Promise<Tally & { failures: string[] }> {
  const key = await loadTokenKey(join(folder, "token.key"));
  const running = await serveRegistry({ dataDir: join(folder, "data"), key, host: "127.0.0.1", port: 0 });
  const actions = ["pull", "push", "delete"];
  const access = [first, second].map((name) => ({ type: "repository" as const, name, actions }));
  const expiresAt = new Date(Date.now() + 2 * TIME_LIMIT_MS);
  try {
    await execute(binary, folder, {
      OCI_VERSION: "1.1",
      OCI_REGISTRY: new URL(running.url).host,
      OCI_TLS: "disabled",
      OCI_REPO1: first,
      OCI_REPO2: second,
      OCI_USERNAME: "token",
      OCI_PASSWORD: mintToken(key, { subject: "conformance", access, audience: "registry", expiresAt }),
      OCI_RESULTS_DIR: join(folder, "results"),
    });
  } finally {
    await running.close();
  }
  return readJunit(await readFile(join(folder, "results", "junit.xml"), "utf8"));
}

function execute(binary: string, cwd: string, variables: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...variables };
    const child = spawn(binary, [], { cwd, env, stdio: ["ignore", "ignore", "inherit"], timeout: TIME_LIMIT_MS });
    child.once("error", reject);
    child.once("exit", (_, signal) => (signal === null ? resolve() : reject(new Error(`ended by ${signal}`))));
  });
}

const folder = await mkdtemp(join(tmpdir(), "conformance-"));
try {
  const tally = await run(process.env.OCI_CONFORMANCE ?? tool("conformance"), folder);
  for (const name of tally.failures) console.error(`failed: ${name}`);
  const cases = tally.passed + tally.failed + tally.skipped;
  if (cases <= FEW_CASES) {
    console.error(`only ${cases} cases: the suite did not run`);
    tally.failed++;
  }
  report("conformance", tally);
  process.exitCode = tally.failed > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  report("conformance", { passed: 0, failed: 1, skipped: 0 });
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
