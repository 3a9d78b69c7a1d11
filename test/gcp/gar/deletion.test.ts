import { describe, expect, test } from "vitest";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
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

  describe("of an image path with indexes, which Google refuses as a whole", () => {
    const indexed = async () => {
      const { client, ...rest } = await pushed();
      const indexes = ["multi", "other"].map((tag) => ({
        tag,
        image: buildIndex({ seed: `${rest.name} ${tag}`, layers: [100] }),
      }));
      for (const { tag, image } of indexes) await pushImage(client, rest.name, tag, image);
      rest.gcp.calls.length = 0;
      return { client, ...rest, digests: indexes.map(({ image }) => image.index.digest) };
    };
    const deletions = ({ calls }: { calls: readonly { action: string }[] }) =>
      calls.map(({ action }) => action).filter((action) => /^(?:Delete|List)/.test(action));

    test("takes the indexes first, and then all that is left", async () => {
      const { gcp, registry, name, client } = await indexed();
      await registry.deleteRepository(name, newCall());
      await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
      const indexesFirst = ["DeletePackage", "ListVersions", "DeleteVersion", "DeleteVersion", "DeletePackage"];
      expect(deletions(gcp)).toEqual(indexesFirst);
    });

    test("once more where an operation tells of them, or another index comes meanwhile", async () => {
      const { gcp, registry, name, client } = await indexed();
      const message = "manifest is referenced by parent manifests";
      gcp.faults.add({
        fault: { kind: "operation", status: "FAILED_PRECONDITION", message },
        action: "DeletePackage",
        nth: 2,
      });
      let times = 0;
      gcp.faults.before = async ({ action }) => {
        if (action !== "DeletePackage" || ++times !== 2) return;
        gcp.faults.before = undefined;
        await pushImage(client, name, "late", buildIndex({ seed: `${name} late`, layers: [100] }));
      };
      await registry.deleteRepository(name, newCall());
      gcp.faults.before = undefined;
      await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
    });

    test("is refused where Google still finds an image held, and no index is left to delete", async () => {
      const { gcp, registry, name } = await pushed();
      const message = "manifest is referenced by parent manifests";
      const fault = { kind: "error", status: "FAILED_PRECONDITION", message } as const;
      gcp.faults.add({ fault, action: "DeletePackage", times: Number.POSITIVE_INFINITY });
      const refusal = await registry.deleteRepository(name, newCall()).catch((error: unknown) => error);
      gcp.faults.clear();
      expect(refusal).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
      expect(deletions(gcp)).toEqual(["DeletePackage", "ListVersions", "DeletePackage", "ListVersions"]);
    });

    test("goes on where the indexes go by themselves, as those that a call before it has begun to delete", async () => {
      const { gcp, registry, name, client, digests } = await indexed();
      gcp.faults.before = async ({ action }) => {
        if (action !== "ListVersions") return;
        gcp.faults.before = undefined;
        for (const digest of digests) await registry.deleteImage?.(name, { digest }, newCall());
      };
      await registry.deleteRepository(name, newCall());
      await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
      const ours = deletions(gcp).filter((action) => action !== "DeleteVersion");
      expect(ours).toEqual(["DeletePackage", "ListVersions", "DeletePackage"]);
    });

    test("that fails half way is finished by the same call", async () => {
      const { gcp, registry, name, client } = await indexed();
      gcp.faults.add({ fault: { kind: "error", status: "PERMISSION_DENIED" }, action: "DeleteVersion", nth: 2 });
      await expect(registry.deleteRepository(name, newCall())).rejects.toMatchObject({
        code: "ACCESS_DENIED",
        hint: expect.stringContaining("versions.delete"),
      });
      expect(await client.tags(name)).toHaveLength(2);
      await registry.deleteRepository(name, newCall());
      await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
    });
  });

  test("the bare prefix is the registry, and is not deleted", async () => {
    const { gcp, registry } = await pushed();
    const bare = registry.resolveId(registry.upstreamRepositoryPrefix);
    await expect(registry.deleteRepository(bare, newCall())).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(gcp.calls).toEqual([]);
  });
});
