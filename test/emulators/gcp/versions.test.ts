import { beforeAll, describe, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { addRepository } from "./artifact-registry/repositories.ts";
import {
  api,
  artifactRegistry,
  as,
  imageIn,
  refused,
  registryClient,
  registryRefusal,
  useEmulator,
} from "./support.ts";

const gcp = useEmulator({ behaviour: { operationMs: 1 } });
const admin = () => as(gcp().admin());
const owner = () => registryClient(gcp(), gcp().admin());
const image = buildImage({ seed: "versions", layers: [1_000] });
const index = buildIndex({ seed: "versions", layers: [500] });
let repository = "";
let count = 0;
beforeAll(() => {
  repository = gcp().repository("images");
});

/** An image path with an image of two tags, and an index. */
async function pushed() {
  const path = `team/app-${++count}`;
  const name = imageIn(repository, path);
  for (const tag of ["1.0", "latest"]) await pushImage(owner(), name, tag, image);
  await pushImage(owner(), name, "multi", index);
  const parent = `${repository}/packages/${encodeURIComponent(path)}`;
  return { path, name, parent, version: (digest: string) => `${parent}/versions/${digest}` };
}

describe("versions", () => {
  test("are listed with tags, kind and size in the full view alone", async () => {
    const { parent, version } = await pushed();
    const client = artifactRegistry(gcp());
    const [full] = await client.listVersions({ parent, view: "FULL" }, admin());
    const found = full.find(({ name }) => name === version(image.manifest.digest));
    expect(found?.relatedTags?.map(({ name }) => name)).toEqual([`${parent}/tags/1.0`, `${parent}/tags/latest`]);
    const { fields } = found?.metadata ?? {};
    expect(fields?.mediaType?.stringValue).toBe(image.manifest.mediaType);
    expect(Number(fields?.imageSizeBytes?.stringValue)).toBeGreaterThan(1_000);
    expect(full).toHaveLength(4);
    const [basic] = await client.listVersions({ parent }, admin());
    expect(basic.map(({ relatedTags, metadata }) => [relatedTags, metadata])).toEqual(basic.map(() => [[], null]));
  });

  test("of a page's token are those after it, whatever was deleted, and of that list alone", async () => {
    const { parent, version } = await pushed();
    const other = await pushed();
    const client = artifactRegistry(gcp());
    const options = { ...admin(), autoPaginate: false };
    const all = (await client.listVersions({ parent }, admin()))[0].map(({ name }) => name);
    const [first, , page] = await client.listVersions({ parent, pageSize: 1 }, options);
    const pageToken = page?.nextPageToken ?? "";
    const deleted = version(image.manifest.digest);
    const [operation] = await client.deleteVersion({ name: deleted, force: true }, admin());
    await operation.promise();
    const [rest] = await client.listVersions({ parent, pageToken, pageSize: 1_000 }, options);
    const seen = [...first, ...rest].map(({ name }) => name).filter((name) => name !== deleted);
    expect(seen).toEqual(all.filter((name) => name !== deleted));
    for (const request of [
      { parent: other.parent, pageToken },
      { parent, pageToken: "guessed" },
    ]) {
      expect(await refused(client.listVersions(request, options))).toMatchObject({ code: 3 });
    }
  });

  test("keep their package while an index holds one of them", async () => {
    const { parent, version } = await pushed();
    const client = artifactRegistry(gcp());
    const held = await refused(client.deletePackage({ name: parent }, admin()));
    expect(held).toMatchObject({ code: 9, message: expect.stringContaining("referenced by parent manifests") });
    expect((await client.listVersions({ parent }, admin()))[0]).toHaveLength(4);
    const [first] = await client.deleteVersion({ name: version(index.index.digest), force: true }, admin());
    await first.promise();
    const [operation] = await client.deletePackage({ name: parent }, admin());
    await operation.promise();
    expect(await refused(client.getPackage({ name: parent }, admin()))).toMatchObject({ code: 5 });
  });

  test("that are tagged are deleted by force alone, with their tags; those of an index are not", async () => {
    const { parent, version, name } = await pushed();
    const client = artifactRegistry(gcp());
    const tagged = version(image.manifest.digest);
    expect(await refused(client.deleteVersion({ name: tagged }, admin()))).toMatchObject({ code: 9 });
    const child = index.images[0]?.manifest.digest ?? "";
    const held = await refused(client.deleteVersion({ name: version(child), force: true }, admin()));
    expect(held).toMatchObject({ code: 9, message: expect.stringContaining("referenced by parent manifests") });
    expect((await registryRefusal(owner().deleteManifest(name, child))).status).toBe(400);
    const [operation] = await client.deleteVersion({ name: tagged, force: true }, admin());
    await operation.promise();
    const [tags] = await client.listTags({ parent }, admin());
    expect(tags.map((tag) => tag.name)).toEqual([`${parent}/tags/multi`]);
    expect((await registryRefusal(owner().pullManifest(name, "1.0"))).status).toBe(404);
    expect(await refused(client.deleteVersion({ name: tagged, force: true }, admin()))).toMatchObject({ code: 5 });
    const never = `${repository}/packages/never`;
    expect(await refused(client.listVersions({ parent: never }, admin()))).toMatchObject({ code: 5 });
  });
});

describe("tags", () => {
  test("are listed by the version that they name, and deleted alone", async () => {
    const { parent, version, name } = await pushed();
    const client = artifactRegistry(gcp());
    const filter = `version="${version(image.manifest.digest)}"`;
    const names = async () => (await client.listTags({ parent, filter }, admin()))[0].map((tag) => tag.name);
    expect(await names()).toEqual([`${parent}/tags/1.0`, `${parent}/tags/latest`]);
    await client.deleteTag({ name: `${parent}/tags/latest` }, admin());
    expect(await names()).toEqual([`${parent}/tags/1.0`]);
    expect((await owner().pullManifest(name, image.manifest.digest)).digest).toBe(image.manifest.digest);
    expect(await refused(client.deleteTag({ name: `${parent}/tags/latest` }, admin()))).toMatchObject({ code: 5 });
  });

  test("of a repository whose tags are immutable are not deleted, nor the images that they name", async () => {
    const fixed = repository.replace(/images$/, "fixed");
    addRepository(gcp().world, fixed, { dockerConfig: { immutableTags: true } });
    await pushImage(owner(), imageIn(fixed, "app"), "1.0", image);
    const client = artifactRegistry(gcp());
    const parent = `${fixed}/packages/app`;
    const digest = image.manifest.digest;
    const untag = client.deleteTag({ name: `${parent}/tags/1.0` }, admin());
    expect(await refused(untag)).toMatchObject({ code: 9 });
    const remove = client.deleteVersion({ name: `${parent}/versions/${digest}`, force: true }, admin());
    expect(await refused(remove)).toMatchObject({ code: 9 });
  });
});

test("a package over HTTP is named with its slashes escaped", async () => {
  const { path } = await pushed();
  const get = (name: string) => api(gcp(), gcp().admin(), "GET", `/v1/${repository}/packages/${name}`);
  const { status, body } = await get(encodeURIComponent(path));
  expect([status, body.name]).toEqual([200, `${repository}/packages/${encodeURIComponent(path)}`]);
  expect(Date.parse(String(body.createTime))).toBeGreaterThan(0);
  expect((await get(path)).status).toBe(400);
  expect((await get("never")).status).toBe(404);
});
