import { defineConfig } from "vitest/config";
import all from "../../vitest.config.ts";
import { sets } from "./sets.ts";

/** The tests of the set that `main.ts` names. */
const { tests = [] } = sets[Number(process.env.MUTATION_SET)] ?? {};

export default defineConfig({ test: { ...all.test, include: [...tests] } });
