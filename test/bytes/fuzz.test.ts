import { expect, test } from "vitest";
import { fuzz } from "./fuzzer.ts";

/** While a request could end the container, this seed sent one. */
const seed = 5;
/** To each port. `fuzz.e2e.ts` makes many more. */
const connections = 100;

test.each(["container", "local", "registry alone"] as const)(
  "spoilt requests leave the %s well",
  async (name) => {
    for (const figures of await fuzz(name, { seed, connections })) {
      expect(figures).toMatchObject({ connections, failures: [] });
    }
  },
  120_000,
);
