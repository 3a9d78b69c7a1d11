import { defineConfig } from "vitest/config";
import all from "../../vitest.config.ts";

/** The tests that answer for the mutants: quick ones, so that each mutant meets all that reach it. */
export default defineConfig({
  test: {
    ...all.test,
    include: ["test/unit/*.test.ts", "test/oci/{auth,authorize,key-file,token,scope,revocation}.test.ts"],
  },
});
