import { describe, expect, test } from "vitest";
import { expectLifetime } from "../../support/lifetime.ts";
import { crossAccountOf, newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack();

const mint = (permissions: "pull" | "push-pull", ttl?: number, more: object = {}) => {
  const registry = openRegistry(stack(), "images", more);
  return registry.generateCredentials({ name: registry.resolveId("my-app"), permissions, ttlSeconds: ttl }, newCall());
};

describe("credentials", () => {
  test("are a token of the pull or the push account, under the name that Artifact Registry asks for", async () => {
    const { gcp, pullAccount, pushAccount } = stack();
    gcp.calls.length = 0;
    const credentials = await mint("pull", 900);
    expect(credentials).toMatchObject({ authMethod: "basic", username: "oauth2accesstoken", scope: "registry" });
    expect(JSON.stringify(credentials)).toContain("[redacted]");
    await mint("push-pull");
    const minted = gcp.calls.filter(({ service }) => service === "iamcredentials");
    expect(minted.map(({ resource }) => resource)).toEqual([
      expect.stringContaining(pullAccount("images")),
      expect.stringContaining(pushAccount("images")),
    ]);
  });

  test("live as long as asked, from a second to an hour", async () => {
    for (const [asked, granted] of [
      [1, 1],
      [900, 900],
      [43_200, 3_600],
      [undefined, 3_600],
    ] as const) {
      await expectLifetime(granted, async () => (await mint("pull", asked)).expiresAt);
    }
  });

  test("live 3,300 seconds where Google's clock finds an hour too long", async () => {
    const { gcp } = stack();
    gcp.behaviour.clockSkewSeconds = 120;
    try {
      await expectLifetime(3_300, async () => (await mint("pull")).expiresAt);
    } finally {
      gcp.behaviour.clockSkewSeconds = 0;
    }
  });

  test("of an account that is missing, or may not be impersonated: denied, with both in the hint", async () => {
    const { gcp } = stack();
    const untrusting = gcp.serviceAccount("untrusting");
    for (const email of [untrusting, "missing@vendor-project.iam.gserviceaccount.com"]) {
      const refusal = mint("pull", 900, { pullServiceAccountEmail: email });
      await expect(refusal).rejects.toMatchObject({ code: "ACCESS_DENIED", retryable: false });
      await expect(refusal).rejects.toHaveProperty(
        "hint",
        expect.stringMatching(/must exist.*getAccessToken.*tokenCreator/i),
      );
    }
  });

  test.each(["pullServiceAccountEmail", "pushServiceAccountEmail"])("without %s none are minted", async (field) => {
    const permissions = field.startsWith("pull") ? "pull" : "push-pull";
    await expect(mint(permissions, 900, { [field]: undefined })).rejects.toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      context: { field },
    });
  });

  test.each(["UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL"] as const)("%s is tried again", async (status) => {
    const { gcp } = stack();
    gcp.faults.add({ fault: { kind: "error", status }, action: "generateAccessToken", times: 2 });
    expect((await mint("pull")).scope).toBe("registry");
  });
});

describe("a function without its rights", () => {
  test("is told which permission it lacks, and nothing of the service's own words", async () => {
    const { gcp } = stack();
    const bare = gcp.serviceAccount("bare");
    const env = { ...stack().env(), GCE_METADATA_HOST: await gcp.metadata(bare) };
    const registry = openRegistry({ ...stack(), env: () => env });
    const name = registry.resolveId("x");
    for (const [attempt, permission] of [
      [crossAccountOf(registry).get(name, newCall()), "repositories.getIamPolicy"],
      [registry.deleteRepository(name, newCall()), "packages.delete"],
    ] as const) {
      await expect(attempt).rejects.toMatchObject({
        code: "ACCESS_DENIED",
        hint: expect.stringContaining(permission),
      });
    }
    expect(await registry.health(newCall())).toMatchObject({ status: "degraded" });
  });
});
