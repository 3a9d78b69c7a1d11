import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { floodLocal, localFloods } from "../bench/floods/local.ts";
import { buildBundle } from "../support/bundle.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
beforeAll(() => {
  buildBundle("local");
});

test.each(["manifests", "uploads"] as const)(
  "unfinished %s leave the local server below 250 MiB, and everybody else's pushes go on",
  async (kind) => {
    const { peak, outcomes } = await floodLocal(root, localFloods[kind]());
    expect(peak).toBeLessThan(250);
    expect(Object.keys(outcomes)).toEqual(["201"]);
  },
);
