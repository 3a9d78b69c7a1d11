import { defineConfig } from "vitest/config";
import e2e from "./vitest.e2e.config.ts";

/**
 * What needs more than five minutes on an empty machine: a registry that is built first, which `.ci/long` installs, and a
 * property with very many cases.
 */
export default defineConfig({ test: { ...e2e.test, include: ["test/**/*.long.ts"] } });
