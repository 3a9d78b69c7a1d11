import { describe, expect, test } from "vitest";
import { pullImage, pushImage } from "../../oci/client/index.ts";
import { buildImage, buildIndex } from "../oci/client/images.ts";
import type { Golden } from "./golden.ts";
import type { Subject } from "./suite.ts";

export function lifecycleTests(
  subject: () => Subject,
  { tellsAbsence, pushCreates, ownTag, keepsLayers }: Golden,
): void {
  const minted = async (repoId: string, permissions: "pull" | "push-pull") => {
    const { suite, registry, client } = subject();
    return client(await suite.ok("generateCredentials", { registry, repoId, permissions }));
  };

  describe("life of a repository", () => {
    if (tellsAbsence) {
      test("what was never created is not found", async () => {
        const { suite, registry, fresh } = subject();
        const { body } = await suite.refused("getRepository", { registry, repoId: fresh("never") });
        expect(body).toMatchObject({ code: "RESOURCE_NOT_FOUND", retryable: false });
      });
    }

    test("an image of several layers, and one for several architectures, come back to the byte", async () => {
      const { suite, registry, fresh } = subject();
      const { name } = await suite.ok("createRepository", { registry, name: fresh() });
      const push = await minted(name, "push-pull");
      const image = buildImage({ seed: name, layers: [10, 200_000, 3_000_000] });
      const index = buildIndex({ seed: name, layers: [5_000] });
      await pushImage(push, name, "1.0", image);
      await pushImage(push, name, "multi", index);
      const pull = await minted(name, "pull");
      expect(await pullImage(pull, name, "1.0")).toEqual(image);
      expect(await pullImage(pull, name, "multi")).toEqual(index);
      expect((await subject().tags(pull, name)).sort()).toEqual(["1.0", "multi"]);
    });

    test("creating a repository touches no tag, before and after a push", async () => {
      const { suite, registry, fresh } = subject();
      const logical = fresh();
      const { name, createdAt } = await suite.ok("createRepository", { registry, name: logical });
      const push = await minted(name, "push-pull");
      await pushImage(push, name, "1.0", buildImage({ seed: name }));
      const again = await suite.ok("createRepository", { registry, name: logical });
      // Where a repository exists from its first push on, that is when it was created.
      expect([again.name, again.createdAt]).toEqual([name, tellsAbsence ? createdAt : expect.any(String)]);
      expect(await subject().tags(push, name)).toEqual(["1.0"]);
    });

    if (ownTag !== undefined) {
      test("a repository without images is known by a tag of ours, which garbage collectors keep", async () => {
        const { suite, registry, fresh } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        expect(await (await minted(name, "pull")).tags(name)).toEqual([ownTag]);
        expect((await suite.ok("getRepository", { registry, repoId: name })).name).toBe(name);
      });
    }

    if (pushCreates) {
      test("a repository that only a push made is found", async () => {
        const { suite, registry, fresh } = subject();
        const logical = fresh("pushed");
        const { upstreamRepositoryPrefix } = await suite.ok("describeRegistry", { registry });
        const { name } = await suite.ok("createRepository", { registry, name: fresh("sibling") });
        const routable = name.replace(/sibling-\d+$/, logical);
        expect(routable.startsWith(upstreamRepositoryPrefix)).toBe(true);
        const push = await minted(routable, "push-pull");
        await pushImage(push, routable, "1.0", buildImage({ seed: routable }));
        const found = await suite.ok("getRepository", { registry, repoId: logical });
        expect(found.name).toBe(routable);
        expect(await suite.ok("createRepository", { registry, name: logical })).toEqual(found);
      });
    }

    test("after delete it is gone, its images with it, and deleting again is no error", async () => {
      const { suite, registry, fresh } = subject();
      const { name } = await suite.ok("createRepository", { registry, name: fresh() });
      const client = await minted(name, "push-pull");
      const image = buildImage({ seed: name });
      await pushImage(client, name, "1.0", image);
      expect(await suite.ok("deleteRepository", { registry, repoId: name })).toEqual({});
      if (tellsAbsence) {
        expect((await suite.refused("getRepository", { registry, repoId: name })).body.code).toBe("RESOURCE_NOT_FOUND");
      }
      await expect(client.pullManifest(name, "1.0")).rejects.toMatchObject({ status: 404 });
      await expect(client.pullManifest(name, image.manifest.digest)).rejects.toMatchObject({ status: 404 });
      for (const digest of image.blobs.keys()) {
        expect((await client.headBlob(name, digest)) !== undefined).toBe(keepsLayers ?? false);
      }
      expect(await suite.ok("deleteRepository", { registry, repoId: name })).toEqual({});
      expect(await suite.ok("deleteRepository", { registry, repoId: fresh("never") })).toEqual({});
    });

    test("what was deleted can be created again, and is empty", async () => {
      const { suite, registry, fresh } = subject();
      const logical = fresh();
      const { name } = await suite.ok("createRepository", { registry, name: logical });
      await pushImage(await minted(name, "push-pull"), name, "1.0", buildImage({ seed: name }));
      await suite.ok("deleteRepository", { registry, repoId: name });
      await suite.ok("createRepository", { registry, name: logical });
      const client = await minted(name, "push-pull");
      if (tellsAbsence) expect(await subject().tags(client, name)).toEqual([]);
      else await expect(client.tags(name)).rejects.toMatchObject({ status: 404 });
      await pushImage(client, name, "2.0", buildImage({ seed: `${name}/2` }));
      expect(await subject().tags(client, name)).toEqual(["2.0"]);
    });

    test("`team` is deleted and `team/app` lives, with the layers that both used", async () => {
      const { suite, registry, fresh } = subject();
      const team = fresh("team");
      const outer = await suite.ok("createRepository", { registry, name: team });
      const inner = await suite.ok("createRepository", { registry, name: `${team}/app` });
      const image = buildImage({ seed: "shared by both", layers: [50_000] });
      for (const { name } of [outer, inner]) await pushImage(await minted(name, "push-pull"), name, "1.0", image);
      await suite.ok("deleteRepository", { registry, repoId: outer.name });
      expect(await pullImage(await minted(inner.name, "pull"), inner.name, "1.0")).toEqual(image);
      expect((await suite.ok("getRepository", { registry, repoId: inner.name })).name).toBe(inner.name);
    });

    test("twenty that create the same repository at once all get the same answer", async () => {
      const { suite, registry, fresh } = subject();
      const name = fresh();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => suite.ok("createRepository", { registry, name })),
      );
      expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    });

    test("creating and deleting at once ends in one of the two, and the next call works", async () => {
      const { suite, registry, fresh } = subject();
      const name = fresh();
      const { name: repoId } = await suite.ok("createRepository", { registry, name });
      await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) =>
          i % 2 === 0
            ? suite.ok("createRepository", { registry, name })
            : suite.ok("deleteRepository", { registry, repoId }),
        ),
      );
      const { createdAt } = await suite.ok("createRepository", { registry, name });
      const found = await suite.ok("getRepository", { registry, repoId });
      expect([found.name, found.createdAt]).toEqual([repoId, createdAt]);
    });

    test("setupRepository creates, and does it again without harm", async () => {
      const { suite, registry, fresh } = subject();
      const name = fresh("setup");
      const first = await suite.ok("setupRepository", { registry, name });
      expect(await suite.ok("setupRepository", { registry, name, access: [] })).toEqual(first);
      expect(await suite.ok("getRepository", { registry, repoId: name })).toEqual(first);
    });
  });
}
