import { defineConfig } from "vitest/config";

/**
 * Real clients against the built server, the controls of the conformance judge, and a fault at every call of a cloud:
 * `bash test/tools/install.sh` first. What is missing fails, nothing is skipped.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.e2e.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is waited for comes, sooner or later: a slow machine is no failure.
    expect: { poll: { timeout: 20_000 } },
    // Several build the same bundle.
    fileParallelism: false,
    allowOnly: false,
    passWithNoTests: false,
  },
});
