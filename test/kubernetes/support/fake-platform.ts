import * as v from "valibot";
import { defineService, type Platform } from "../../../core/platform.ts";
import { createFakeRegistry, type FakeOptions } from "../../support/fake-registry.ts";

/** A platform whose registries are in memory, to arrange what a real one does only now and then. */
export function fakePlatform(options: FakeOptions = {}): Platform {
  return {
    name: "fake",
    services: {
      local: defineService({
        binding: v.strictObject({ service: v.literal("local") }),
        prefix: (name) => ({ prefix: name, separator: "/" }),
        open: () => createFakeRegistry(options),
      }),
    },
  };
}
