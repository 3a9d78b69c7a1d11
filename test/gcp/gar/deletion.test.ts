import { describe, expect, test } from "vitest";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack({ behaviour: { operationMs: 200 } });
let count = 0;

const pushed = async () => {
  const { gcp, pushAccount } = stack();
  const registry = openRegistry(stack());
  const name = registry.routeName(`team-${++count}/app.v1/web`);
  const credentials = { username: "oauth2accesstoken", password: gcp.token(pushAccount("images")) };
  const client = createClient({ url: gcp.registryUrl(), credentials });
  await pushImage(client, name, "1.0", buildImage({ seed: name }));
  gcp.calls.length = 0;
  return { gcp, registry, name, client };
};

describe("deletion", () => {
  test("waits for the operation's end, and takes exactly the nested package", async () => {
    const { gcp, registry, name, client } = await pushed();
    const outer = registry.routeName(`team-${count}/app.v1`);
    await pushImage(client, outer, "1.0", buildImage({ seed: outer }));
    await registry.deleteRepository(name, newCall());
    await expect(client.pullManifest(name, "1.0")).rejects.toMatchObject({ status: 404 });
    expect(await client.tags(outer)).toEqual(["1.0"]);
    const [deletion] = gcp.calls.filter(({ action }) => action === "DeletePackage");
    expect(deletion?.input).toMatchObject({ name: expect.stringMatching(/\/packages\/team-\d+%2Fapp\.v1%2Fweb$/) });
    await registry.deleteRepository(name, newCall());
  });

  test("an operation that fails is an error, and the same call again finishes it", async () => {
    const { gcp, registry, name, client } = await pushed();
    gcp.faults.add({ fault: { kind: "operation", status: "PERMISSION_DENIED" }, action: "DeletePackage", times: 1 });
    await expect(registry.deleteRepository(name, newCall())).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    expect(await client.tags(name)).toEqual(["1.0"]);
    await registry.deleteRepository(name, newCall());
    await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
  });

  test("an operation that ends with NOT_FOUND is done", async () => {
    const { gcp, registry, name } = await pushed();
    gcp.faults.add({ fault: { kind: "operation", status: "NOT_FOUND" }, action: "DeletePackage", times: 1 });
    await registry.deleteRepository(name, newCall());
    await registry.deleteRepository(name, newCall());
  });

  test.each(["DeletePackage", "GetOperation"])(
    "%s whose answer is lost, or that is not available: once more",
    async (action) => {
      const { gcp, registry, name, client } = await pushed();
      gcp.faults.add({ fault: { kind: "lost" }, action, times: 1 });
      gcp.faults.add({ fault: { kind: "error", status: "UNAVAILABLE" }, action, times: 1 });
      await registry.deleteRepository(name, newCall());
      await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
    },
  );

  test("more time than the operation has: a timeout that says so", async () => {
    const { registry, name } = await pushed();
    await expect(registry.deleteRepository(name, newCall(100))).rejects.toMatchObject({
      code: "TIMEOUT",
      retryable: true,
    });
  });

  test("the bare prefix is the registry, and is not deleted", async () => {
    const { gcp, registry } = await pushed();
    const bare = registry.resolveId(registry.upstreamRepositoryPrefix);
    await expect(registry.deleteRepository(bare, newCall())).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(gcp.calls).toEqual([]);
  });
});
