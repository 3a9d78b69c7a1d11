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
    // By default one core is left to whoever watches; nobody does.
    maxWorkers: "100%",
    allowOnly: false,
    passWithNoTests: false,
  },
});
