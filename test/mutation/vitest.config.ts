import { matchesGlob, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import all from "../../vitest.config.ts";
import { sets } from "./sets.ts";

/** The tests of the set that `main.ts` names. */
const { tests = [] } = sets[Number(process.env.MUTATION_SET)] ?? {};

/** Runs them in the order of their patterns: the first test that notices a change ends the run. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      tests.findIndex((pattern) => matchesGlob(relative(process.cwd(), moduleId), pattern));
    return files.toSorted((one, other) => place(one) - place(other));
  }
}

export default defineConfig({ test: { ...all.test, include: [...tests], sequence: { sequencer: InOrder } } });
