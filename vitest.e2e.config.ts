import { defineConfig } from "vitest/config";

/**
 * Real clients against the built server, and the controls of the conformance judge, and a fault at every call on AWS: `bash test/tools/install.sh` first.
 * What is missing fails, nothing is skipped.
 */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.e2e.ts", "test/conformance/**/*.e2e.ts", "test/aws/**/*.e2e.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    allowOnly: false,
    passWithNoTests: false,
  },
});
