import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Test files that change their whole process, or must find it new: they replace a module, or use a library that keeps what it found. */
const alone = [
  "test/emulators/azure/managed-identity.test.ts",
  "test/gcp/handler/http.test.ts",
  "test/oci/key-file.test.ts",
  "test/unit/once.test.ts",
];

export default defineConfig({
  test: {
    setupFiles: ["environment", "patience", "no-leaks", "bytes"].map((name) => `test/support/${name}.ts`),
    // Servers and processes are started by the tests themselves, on free loopback ports. A time limit only ends what would
    // never end: none is so short that a machine with ten times too much to do could meet it.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    // Two more than there are cores, since tests also wait: for servers, disks and clocks.
    maxWorkers: availableParallelism() + 2,
    allowOnly: false,
    passWithNoTests: false,
    projects: [
      // Many files share a process, which loads the clouds' libraries once: a quarter of all processor time went into loading.
      { extends: true, test: { name: "shared", isolate: false, include: ["test/**/*.test.ts"], exclude: alone } },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
});
