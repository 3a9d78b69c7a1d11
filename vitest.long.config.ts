import { defineConfig } from "vitest/config";
import e2e from "./vitest.e2e.config.ts";

const { projects: _, ...test } = e2e.test ?? {};

/**
 * What needs more than five minutes on an empty machine: a registry that is built first, which `.ci/long` installs, and a
 * property with very many cases. One file at a time.
 */
export default defineConfig({
  test: { ...test, include: ["test/**/*.long.ts"], fileParallelism: false },
});
