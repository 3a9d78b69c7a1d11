import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Servers and processes are started by the tests themselves, on free loopback ports.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for comes, sooner or later: a slow machine is no failure.
    expect: { poll: { timeout: 20_000 } },
    // By default one core is left to whoever watches; nobody does.
    maxWorkers: "100%",
    allowOnly: false,
    passWithNoTests: false,
  },
});
