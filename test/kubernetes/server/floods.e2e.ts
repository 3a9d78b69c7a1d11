import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { containerFloods, floodContainer } from "../../bench/floods/container.ts";
import { buildBundle } from "../../support/bundle.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => {
  buildBundle("kubernetes");
});

test.each([
  ["headers", "plain HTTP", 200],
  ["bodies", "plain HTTP", 200],
  ["headers", "TLS", 230],
] as const)(
  "unfinished %s by the thousand over %s leave the container below %i MiB, and every caller beside them is answered",
  async (kind, over, most) => {
    const { peak, outcomes } = await floodContainer(root, containerFloods[kind](), { tls: over === "TLS" });
    expect(peak).toBeLessThan(most);
    expect(Object.keys(outcomes)).toEqual(["200"]);
  },
);
