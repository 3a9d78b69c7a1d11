import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** What builds a bundle anew while it runs, measures how the machine copes, or lets leases end: nothing else runs beside these. */
const alone = [
  "test/docs/*.e2e.ts",
  "test/kubernetes/**/image.e2e.ts",
  "test/kubernetes/rolling/*.e2e.ts",
  "test/**/floods.e2e.ts",
  "test/aws/lease/concurrent.e2e.ts",
];

/**
 * Real clients against the built server, the controls of the conformance judge, a fault at every call of a cloud, and what
 * starts so many processes that `npm test` would take longer than anybody waits:
 * `bash test/tools/install.sh` first. What is missing fails, nothing is skipped.
 */
export default defineConfig({
  test: {
    globalSetup: "test/e2e/built.ts",
    // As in vitest.config.ts: a time limit only ends what would never end.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    teardownTimeout: 1_200_000,
    expect: { poll: { timeout: 300_000 } },
    allowOnly: false,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: "side by side",
          // A real zot cannot be installed by a script: where `ZOT` names its binary, the tests over it run as well.
          include: ["test/**/*.e2e.ts", ...(process.env.ZOT ? ["test/**/*.zot.ts"] : [])],
          exclude: alone,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: "one by one", include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
