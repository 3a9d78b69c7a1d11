import { defineConfig } from "vitest/config";

/**
 * Real clients against the built server, the controls of the conformance judge, a fault at every call of a cloud, and what
 * starts so many processes that `npm test` would take longer than anybody waits:
 * `bash test/tools/install.sh` first. What is missing fails, nothing is skipped.
 */
export default defineConfig({
  test: {
    // A real zot cannot be installed by a script: where `ZOT` names its binary, the tests over it run as well.
    include: ["test/**/*.e2e.ts", ...(process.env.ZOT ? ["test/**/*.zot.ts"] : [])],
    // As in vitest.config.ts: a time limit only ends what would never end.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    expect: { poll: { timeout: 300_000 } },
    // Several build the same bundle.
    fileParallelism: false,
    allowOnly: false,
    passWithNoTests: false,
  },
});
