import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { containerFloods, floodContainer } from "../../bench/floods/container.ts";
import { buildBundle } from "../../support/bundle.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => {
  buildBundle("kubernetes");
});

test.each(["headers", "bodies"] as const)(
  "unfinished %s by the thousand leave the container below 200 MiB, and every caller beside them is answered",
  async (kind) => {
    const { peak, outcomes } = await floodContainer(root, containerFloods[kind]());
    expect(peak).toBeLessThan(200);
    expect(Object.keys(outcomes)).toEqual(["200"]);
  },
);
