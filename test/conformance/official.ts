import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJunit, type Tally } from "../e2e/tally.ts";
import { startOurs } from "./targets.ts";

const TIME_LIMIT_MS = 60 * 60_000;
const [first, second] = ["conformance/one", "conformance/two"] as const;

/**
 * The official OCI conformance suite, a program of its own, against our registry with authentication on. It exits with 0
 * when it cannot even begin: the caller has to count the cases.
 */
export async function runOfficialSuite(binary: string): Promise<Tally & { failures: string[]; skips: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), "official-"));
  const running = await startOurs();
  try {
    await execute(binary, folder, {
      OCI_VERSION: "1.1",
      OCI_REGISTRY: new URL(running.target.url).host,
      OCI_TLS: "disabled",
      OCI_REPO1: first,
      OCI_REPO2: second,
      OCI_USERNAME: "token",
      OCI_PASSWORD: running.password([first, second]),
      OCI_RESULTS_DIR: join(folder, "results"),
      // Off by default in 1.1, and part of it all the same.
      OCI_API_BLOBS_UPLOAD_CANCEL: "true",
      OCI_API_BLOBS_DIGEST_HEADER: "true",
      OCI_API_MANIFESTS_DIGEST_HEADER: "true",
    });
    return readJunit(await readFile(join(folder, "results", "junit.xml"), "utf8"));
  } finally {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function execute(binary: string, cwd: string, variables: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...variables };
    const child = spawn(binary, [], { cwd, env, stdio: ["ignore", "ignore", "inherit"], timeout: TIME_LIMIT_MS });
    child.once("error", reject);
    child.once("exit", (_, signal) => (signal === null ? resolve() : reject(new Error(`ended by ${signal}`))));
  });
}
