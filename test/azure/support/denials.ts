import { describe, expect, test } from "vitest";
import { errorOf } from "../../support/inputs.ts";
import { newCall, openRegistry, useStack } from "./registry.ts";
import type { AzureStack } from "./stack.ts";

const pullRole = { rbac: "AcrPull", abac: "Container Registry Repository Reader" } as const;
const pushRole = { rbac: "AcrPush", abac: "Container Registry Repository Writer" } as const;

/** What an identity without its roles is told, in either mode of a registry. */
export function denialTests(mode: "rbac" | "abac"): () => AzureStack {
  const stack = useStack({
    mode,
    identities: { bare: [], puller: [pullRole[mode]], late: [pullRole[mode]], narrow: [] },
  });
  const mint = (registry: ReturnType<typeof openRegistry>, permissions: "pull" | "push-pull") =>
    registry.generateCredentials({ name: registry.routeName("app"), permissions }, newCall());

  describe(`a registry with roles for ${mode}`, () => {
    test("an identity without roles is denied, and told which it lacks, of both kinds", async () => {
      for (const exchangeForAnybody of [false, true]) {
        stack().azure.behaviour.exchangeForAnybody = exchangeForAnybody;
        const error = await errorOf(() => mint(openRegistry(stack(), { as: "bare" }), "pull"));
        expect(error).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
        for (const role of ["AcrPull", "Container Registry Repository Reader"]) expect(error.hint).toContain(role);
      }
      stack().azure.behaviour.exchangeForAnybody = false;
    });

    test("one that may pull gets pull, and no half of push-pull", async () => {
      const registry = openRegistry(stack(), { as: "puller" });
      expect((await mint(registry, "pull")).scope).toBe("repository");
      const error = await errorOf(() => mint(registry, "push-pull"));
      expect(error).toMatchObject({ code: "ACCESS_DENIED", context: { missing: "push" } });
      expect(error.hint).toContain("AcrPush");
      expect(error.hint).toContain("Container Registry Repository Writer");
      expect(error.hint).not.toContain("AcrPull");
    });

    test("a role that was assigned since the exchange counts at once", async () => {
      const { azure, other, registryId } = stack();
      const registry = openRegistry(stack(), { as: "late" });
      await mint(registry, "pull");
      expect((await errorOf(() => mint(registry, "push-pull"))).code).toBe("ACCESS_DENIED");
      azure.assign(other("late"), pushRole[mode], registryId);
      expect((await mint(registry, "push-pull")).scope).toBe("repository");
    });
  });
  return stack;
}
