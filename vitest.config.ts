import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Servers and processes are started by the tests themselves, on free loopback ports.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for comes, sooner or later: a slow machine is no failure.
    expect: { poll: { timeout: 20_000 } },
    allowOnly: false,
    passWithNoTests: false,
  },
});
