import { defineConfig } from "vitest/config";
import all from "../../vitest.config.ts";
import { sets } from "./sets.ts";

/** The tests of the set and of the round that `main.ts` names. */
const { MUTATION_SET, MUTATION_ROUND } = process.env;
const { tests = [], slower = [] } = sets[Number(MUTATION_SET)] ?? {};

const { projects: _, ...test } = all.test ?? {};

export default defineConfig({
  test: { ...test, include: [...(MUTATION_ROUND === "slower" ? slower : tests)] },
});
