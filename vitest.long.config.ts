import { defineConfig } from "vitest/config";
import e2e from "./vitest.e2e.config.ts";

/** What needs more than five minutes on an empty machine, such as a registry that is built first. `.ci/long` installs it. */
export default defineConfig({ test: { ...e2e.test, include: ["test/**/*.long.ts"] } });
