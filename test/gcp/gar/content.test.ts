import { describe, expect, test } from "vitest";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { packageAt } from "../../emulators/gcp/artifact-registry/repository.ts";
import type { CallRecord } from "../../emulators/gcp/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { everyItem } from "../../support/pages.ts";
import { newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack({ repositories: ["images", "many"], behaviour: { operationMs: 1 } });
let count = 0;

const opened = (id = "images") => {
  const { gcp, pushAccount, repository } = stack();
  const registry = openRegistry(stack(), id);
  const { listRepositories, listImages, deleteImage } = registry;
  if (!listRepositories || !listImages || !deleteImage) throw new Error("The registry lists nothing.");
  const credentials = { username: "oauth2accesstoken", password: gcp.token(pushAccount(id)) };
  const client = createClient({ url: gcp.registryUrl(), credentials });
  const found = gcp.world.repositories.get(repository(id));
  if (found === undefined) throw new Error("There is no repository.");
  gcp.calls.length = 0;
  const name = registry.routeName(`team-${++count}/app`);
  return { ...registry, listRepositories, listImages, deleteImage, gcp, client, found, name };
};

/** What was sent to Artifact Registry. */
const actions = (calls: readonly CallRecord[]) =>
  calls.filter(({ service }) => service === "artifactregistry").map(({ action }) => action);

describe("the list of repositories", () => {
  test("has 1,200 image paths in pages, each once, whatever comes and goes meanwhile", async () => {
    const { listRepositories, upstreamRepositoryPrefix: prefix, found, gcp } = opened("many");
    const stays = Array.from({ length: 1_200 }, (_, n) => `stays/${String(n).padStart(4, "0")}`);
    for (const path of stays) packageAt(found, path, new Date(0));
    for (let n = 0; n < 40; n++) packageAt(found, `goes/${n}`, new Date());
    let turn = 0;
    const between = () => {
      found.packages.delete(`goes/${turn}`);
      packageAt(found, `comes/${turn++}`, new Date());
    };
    const items = await everyItem((page) => listRepositories(page, newCall()), 100, between);
    const names = items.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const paths = names.filter((name) => name.startsWith(`${prefix}/stays/`));
    expect(paths).toEqual(stays.map((path) => `${prefix}/${path}`));
    const first = items.find(({ name }) => name === paths[0]);
    expect(first).toEqual({
      name: paths[0],
      uri: `europe-west1-docker.pkg.dev/${paths[0]}`,
      createdAt: "1970-01-01T00:00:00.000Z",
    });
    expect(actions(gcp.calls)).toHaveLength(Math.ceil(items.length / 100));
  });

  test("of a repository that is missing is an error, not an empty list", async () => {
    const { gcp } = stack();
    const project = gcp.serviceAccount("function", { roles: { [stack().project]: ["roles/artifactregistry.reader"] } });
    expect(project).toBe(stack().functionAccount);
    const { listRepositories } = openRegistry(stack(), "images", { repositoryName: "nowhere" });
    await expect(listRepositories?.({ pageSize: 10 }, newCall())).rejects.toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      retryable: false,
    });
  });

  test("is not gone on with by a token that Google no longer knows", async () => {
    const { listRepositories, listImages, client, name } = opened();
    await pushImage(client, name, "1.0", buildImage({ seed: name }));
    const page = { cursor: "of-another-day", pageSize: 10 };
    for (const list of [listRepositories(page, newCall()), listImages(name, page, newCall())]) {
      await expect(list).rejects.toMatchObject({ code: "INVALID_INPUT", context: { field: "pageToken" } });
    }
  });
});

describe("a repository", () => {
  test("tells when its image path was created, by one plain request, and nothing of one that was never pushed", async () => {
    const { getRepository, createRepository, client, name, gcp } = opened();
    const about = { name, uri: `europe-west1-docker.pkg.dev/${name}` };
    expect(await getRepository(name, newCall())).toEqual(about);
    await pushImage(client, name, "1.0", buildImage({ seed: name }));
    gcp.calls.length = 0;
    const told = await getRepository(name, newCall());
    expect(told).toEqual({ ...about, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(await createRepository(name, newCall())).toEqual(told);
    expect(actions(gcp.calls)).toEqual(["GetPackage", "GetPackage"]);
  });

  test("that is the registry itself has no image path: nothing is asked", async () => {
    const { getRepository, listImages, deleteImage, resolveId, upstreamRepositoryPrefix, gcp } = opened();
    const name = resolveId(upstreamRepositoryPrefix);
    expect(await getRepository(name, newCall())).not.toHaveProperty("createdAt");
    expect(await listImages(name, { pageSize: 10 }, newCall())).toEqual({ items: [] });
    await deleteImage(name, { tag: "1.0" }, newCall());
    expect(gcp.calls).toEqual([]);
  });
});

describe("images", () => {
  test("with 1,000 tags have them all: Google names 100 with the image", async () => {
    const { listImages, client, found, name, gcp } = opened();
    const image = buildImage({ seed: name });
    await pushImage(client, name, "1.0", image);
    const path = name.split("/").slice(2).join("/");
    const tags = packageAt(found, path, new Date()).tags;
    for (let n = 0; n < 1_000; n++) tags.set(`tag-${n}`, image.manifest.digest);
    gcp.calls.length = 0;
    const [only] = (await listImages(name, { pageSize: 10 }, newCall())).items;
    expect(new Set(only?.tags)).toEqual(new Set(tags.keys()));
    expect(actions(gcp.calls)).toEqual(["ListVersions", "ListTags", "ListTags"]);
  });

  test("that an index holds are kept, at once or by the operation, and the hint says what to do", async () => {
    const { listImages, deleteImage, client, name, gcp } = opened();
    const index = buildIndex({ seed: name, layers: [100] });
    await pushImage(client, name, "multi", index);
    const digest = index.images[0]?.manifest.digest ?? "";
    const refusal = { code: "RESOURCE_CONFLICT", retryable: false, hint: expect.stringContaining("the index first") };
    await expect(deleteImage(name, { digest }, newCall())).rejects.toMatchObject(refusal);
    expect((await listImages(name, { pageSize: 100 }, newCall())).items).toHaveLength(1 + index.images.length);
    await deleteImage(name, { digest: index.index.digest }, newCall());
    const fault = {
      kind: "operation",
      status: "FAILED_PRECONDITION",
      message: "manifest is referenced by parent manifests",
    } as const;
    gcp.faults.add({ fault, action: "DeleteVersion" });
    await expect(deleteImage(name, { digest }, newCall())).rejects.toMatchObject(refusal);
    await deleteImage(name, { digest }, newCall());
    await deleteImage(name, { digest }, newCall());
    expect((await listImages(name, { pageSize: 100 }, newCall())).items).toHaveLength(index.images.length - 1);
  });

  test("that immutable tags name are kept, and so are the tags", async () => {
    const { deleteImage, listImages, client, name, found } = opened("many");
    const image = buildImage({ seed: name });
    await pushImage(client, name, "1.0", image);
    Object.assign(found, { immutableTags: true });
    try {
      for (const reference of [{ tag: "1.0" }, { digest: image.manifest.digest }]) {
        const refusal = {
          code: "RESOURCE_CONFLICT",
          retryable: false,
          hint: expect.stringContaining("immutable tags"),
        };
        await expect(deleteImage(name, reference, newCall())).rejects.toMatchObject(refusal);
      }
    } finally {
      Object.assign(found, { immutableTags: false });
    }
    expect((await listImages(name, { pageSize: 100 }, newCall())).items).toMatchObject([{ tags: ["1.0"] }]);
  });

  test("lose exactly the tag that is deleted, though it is moved meanwhile", async () => {
    const { deleteImage, listImages, client, name, gcp } = opened();
    const [image, other] = [buildImage({ seed: name }), buildImage({ seed: `${name} other` })];
    await pushImage(client, name, "1.0", image);
    await pushImage(client, name, "moved", image);
    gcp.faults.before = async ({ action }) => {
      if (action !== "DeleteVersion") return;
      gcp.faults.before = undefined;
      await pushImage(client, name, "moved", other);
    };
    await deleteImage(name, { digest: image.manifest.digest }, newCall());
    const { items } = await listImages(name, { pageSize: 100 }, newCall());
    expect(items).toMatchObject([{ digest: other.manifest.digest, tags: ["moved"] }]);
  });

  test.each([
    ["ListPackages", "packages.list", "reader"],
    ["ListVersions", "versions.list", "reader"],
    ["DeleteVersion", "versions.delete", "repoAdmin"],
    ["DeleteTag", "tags.delete", "repoAdmin"],
  ])("%s that is denied names %s and %s", async (action, permission, role) => {
    const { listRepositories, listImages, deleteImage, client, name, gcp } = opened();
    await pushImage(client, name, "1.0", buildImage({ seed: name }));
    const page = { pageSize: 10 };
    const calls = {
      ListPackages: () => listRepositories(page, newCall()),
      ListVersions: () => listImages(name, page, newCall()),
      DeleteVersion: () => deleteImage(name, { digest: buildImage({ seed: name }).manifest.digest }, newCall()),
      DeleteTag: () => deleteImage(name, { tag: "1.0" }, newCall()),
    };
    gcp.faults.add({ fault: { kind: "error", status: "PERMISSION_DENIED" }, action });
    const refusal = calls[action as keyof typeof calls]();
    await expect(refusal).rejects.toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining(permission) });
    await expect(refusal).rejects.toHaveProperty("hint", expect.stringContaining(`roles/artifactregistry.${role}`));
  });
});
