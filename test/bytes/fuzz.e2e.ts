import { expect, test } from "vitest";
import { fuzz } from "./fuzzer.ts";

/** For another run: `BYTES_SEED=2 npm run test:e2e -- test/bytes`. The same seed sends the same requests. */
const seed = Number(process.env.BYTES_SEED ?? 1);
/** Five ports, a minute in all. */
const forMs = 12_000;

test.each(["container", "local", "registry alone"] as const)(
  "a minute of spoilt requests leaves the %s well",
  async (name) => {
    for (const figures of await fuzz(name, { seed, connections: 50_000, forMs })) {
      expect(figures.failures).toEqual([]);
      // The run looks at something only where good requests are among the spoilt ones.
      expect(Object.keys(figures.statuses)).toEqual(expect.arrayContaining(["200", "400"]));
    }
  },
);
