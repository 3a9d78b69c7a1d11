import { defineConfig } from "vitest/config";
import e2e from "./vitest.e2e.config.ts";

const { projects: _, ...test } = e2e.test ?? {};

/**
 * What needs more than five minutes on an empty machine: a registry that is built first, which `.ci/long` installs, and a
 * property with very many cases. Kubernetes' own programs cannot be installed by a script: where `KUBERNETES_BIN` names their folder, the tests
 * over them run as well. One file at a time.
 */
const include = ["test/**/*.long.ts", ...(process.env.KUBERNETES_BIN ? ["test/**/*.kube.ts"] : [])];
export default defineConfig({ test: { ...test, include, fileParallelism: false } });
