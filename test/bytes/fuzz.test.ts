import { expect, test } from "vitest";
import { fuzz } from "./fuzzer.ts";

/** A few connections to each port. `fuzz.e2e.ts` makes many. */
test.each(["container", "local", "registry alone"] as const)("spoilt requests leave the %s well", async (name) => {
  const connections = 100;
  const seed = 1;
  for (const figures of await fuzz(name, { seed, connections })) {
    expect(figures).toMatchObject({ connections, failures: [] });
  }
});
