/**
 * Compiles the Rust client, and runs its tests and its example against the built local platform: `npm run test:rust`. Run
 * `bash test/tools/install.sh rust` first. The programs in `client/rust/README.md` and `docs/other-languages.md` are compiled as
 * tests of the crate's documentation.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { toolCache } from "../tools/tools.ts";
import { type Suite, startSuite } from "./server.ts";
import { report, type Tally } from "./tally.ts";

const crate = fileURLToPath(new URL("../../client/rust/", import.meta.url));
const TIME_LIMIT_MS = 60 * 60_000;

/** Runs cargo to its end and shows what it says. @returns its exit code and its standard output */
function cargo(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("cargo", args, {
      cwd: crate,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: TIME_LIMIT_MS,
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.once("error", reject).once("close", (code) => resolve({ code, output }));
  });
}

/** Runs the tests, and sums what each test program counted. An exit code that no count explains is one more failure. */
async function tests(env: NodeJS.ProcessEnv): Promise<Tally> {
  const { code, output } = await cargo(["test", "--locked", "--no-fail-fast"], env);
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm,
  )) {
    tally.passed += Number(passed);
    tally.failed += Number(failed);
    tally.skipped += Number(ignored);
  }
  if (code !== 0 && tally.failed === 0) tally.failed++;
  return tally;
}

/** Runs the overview's calls as a user's program makes them. What it prints holds no secret. */
async function example(suite: Suite, env: NodeJS.ProcessEnv): Promise<Tally> {
  const { code, output } = await cargo(["run", "--locked", "--quiet", "--example", "overview"], env);
  const lines = new RegExp(`^repository: ${suite.registry}/images/my-app\nuser: token\nuntil: \\d{4}-.* UTC\n$`);
  const good = code === 0 && lines.test(output);
  if (!good) console.error(`failed: the example (exit code ${code})`);
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const suite = await startSuite();
try {
  const env = {
    // This folder is outside the clone, so that a fresh clone need not compile the dependencies again.
    CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? `${toolCache()}/cargo`,
    ALIEN_IMAGES_BINDING: JSON.stringify({ service: "function", url: suite.url, platform: "local" }),
    ALIEN_CALLER_TOKEN: suite.callerToken,
  };
  for (const { passed, failed, skipped } of [await tests(env), await example(suite, env)]) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  total.failed++;
} finally {
  await suite.stop();
}
report("rust", total);
process.exitCode = total.failed > 0 ? 1 : 0;
