import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/patience.ts", "test/support/no-leaks.ts"],
    // Servers and processes are started by the tests themselves, on free loopback ports. A time limit only ends what would
    // never end: none is so short that a machine with ten times too much to do could meet it.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    // One more than there are cores, since tests also wait: for servers, disks and clocks.
    maxWorkers: availableParallelism() + 1,
    allowOnly: false,
    passWithNoTests: false,
  },
});
