import { afterEach, describe, expect, test } from "vitest";
import { probeName } from "../../../functions/aws/ecr/refused.ts";
import { type Image, pullImage, pushImage } from "../../../oci/client/index.ts";
import { registryClient } from "../../emulators/aws/support.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { east, home, seed, useReplicatedRegistry, west } from "./support/replicated.ts";

const { registry, application } = useReplicatedRegistry();
const everywhere = [home, west, east];
const ask = (operation: string, input: object) => application().ask(operation, input);
const stored = (region: string, name: string) =>
  registry().emulator.world.registry(registry().stack.account, region).repositories.get(name)?.images;
/** The tags in each region, by the digest of their image. */
const tags = (name: string) =>
  everywhere.map((region) =>
    Object.fromEntries([...(stored(region, name) ?? [])].map(([digest, { tags: of }]) => [digest, [...of].sort()])),
  );

async function pushed(...images: readonly (readonly [tag: string, image: Image | ReturnType<typeof buildIndex>])[]) {
  const { emulator, suite, stack } = registry();
  const { name } = await suite.ok("createRepository", { registry: "images", name: `content-${++count}` });
  const client = await registryClient(emulator, emulator.admin(), stack.region);
  for (const [tag, image] of images) await pushImage(client, name, tag, image as Image);
  await emulator.replicate();
  return { name, client };
}
let count = 0;
afterEach(() => registry().emulator.faults.clear());

describe("deleteImage", () => {
  const image = buildImage({ seed: "one" });
  const { digest } = image.manifest;

  test("by tag reaches every replica, and takes the image with its last tag", async () => {
    const { name } = await pushed(["1.0", image], ["latest", image]);
    expect(tags(name)).toEqual(Array(3).fill({ [digest]: ["1.0", "latest"] }));
    await ask("deleteImage", { repoId: name, reference: "latest" });
    expect(tags(name)).toEqual(Array(3).fill({ [digest]: ["1.0"] }));
    await ask("deleteImage", { repoId: name, reference: "1.0" });
    expect(tags(name)).toEqual([{}, {}, {}]);
  });

  test.each(["1.0", digest])("of %s reaches a replica although home has nothing any more", async (reference) => {
    const { name } = await pushed(["1.0", image]);
    registry().lose(name, home);
    expect((await ask("deleteImage", { repoId: name, reference })).status).toBe(200);
    expect(tags(name)).toEqual([{}, {}, {}]);
  });

  test("that fails in one region says so, and the same call again finishes it", async () => {
    const { name } = await pushed(["1.0", image]);
    registry().emulator.faults.add({
      action: "BatchDeleteImage",
      region: west,
      fault: { kind: "error", code: "AccessDeniedException" },
    });
    const { body } = await ask("deleteImage", { repoId: name, reference: digest });
    expect(body).toMatchObject({ code: "ACCESS_DENIED", message: expect.stringContaining(`may not be in ${west}`) });
    expect(tags(name)).toEqual([{}, { [digest]: ["1.0"] }, {}]);
    expect((await ask("deleteImage", { repoId: name, reference: digest })).status).toBe(200);
    expect(tags(name)).toEqual([{}, {}, {}]);
  });

  test("of an image that an index holds is refused, and nothing is deleted anywhere", async () => {
    const index = buildIndex({ seed: "held" });
    const { name } = await pushed(["multi", index]);
    const before = tags(name);
    const held = index.images[0]?.manifest.digest ?? "";
    const { body } = await ask("deleteImage", { repoId: name, reference: held });
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { field: "reference" } });
    expect(tags(name)).toEqual(before);
    await ask("deleteImage", { repoId: name, reference: index.index.digest });
    expect((await ask("deleteImage", { repoId: name, reference: held })).status).toBe(200);
  });

  test("leaves a tag alone that was moved while its image is deleted", async () => {
    const moved = buildImage({ seed: "two" });
    const { name, client } = await pushed(["latest", image]);
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const until = () => {
      reached.resolve();
      return go.promise;
    };
    registry().emulator.faults.add({ action: "BatchDeleteImage", region: home, fault: { kind: "slow", until } });
    const deleted = ask("deleteImage", { repoId: name, reference: digest });
    await reached.promise;
    await pushImage(client, name, "latest", moved);
    go.resolve();
    expect((await deleted).status).toBe(200);
    expect(tags(name)[0]).toEqual({ [moved.manifest.digest]: ["latest"] });
  });

  test("of what has a digest that ECR does not know is no error", async () => {
    const { name } = await pushed();
    expect((await ask("deleteImage", { repoId: name, reference: `sha512:${"a".repeat(128)}` })).status).toBe(200);
  });
});

describe("lists", () => {
  test("have nothing that is not the registry's, also where all of a page is somebody else's", async () => {
    const { stack } = registry();
    for (let index = 0; index < 5; index++) seed(stack, [home], `a-foreign-${index}`, []);
    for (const name of ["images2-app", "images/app", probeName("images")]) seed(stack, [home], name, []);
    const { name } = await pushed();
    const listed = await readAll({ pageSize: 1 });
    expect(listed).toEqual(expect.arrayContaining(["images", name]));
    expect(listed.filter((each) => !/^images(?:-content-\d+)?$/.test(each))).toEqual([]);
  });

  test("tell when an image was pulled, and what is in ECR's archive", async () => {
    const image = buildImage({ seed: "archived" });
    const { name, client } = await pushed(["1.0", image]);
    await pullImage(client, name, "1.0");
    for (const each of stored(home, name)?.values() ?? []) each.status = "ARCHIVED";
    const { images } = (await ask("listImages", { repoId: name })).body;
    const told = { digest: image.manifest.digest, tags: ["1.0"], lastPulledAt: expect.any(String) };
    expect(images).toMatchObject([told]);
  });

  test("begin anew where AWS no longer takes the token of a page", async () => {
    const two = [buildImage({ seed: "first" }), buildImage({ seed: "second" })] as const;
    const { name } = await pushed(["1.0", two[0]], ["2.0", two[1]]);
    const lists = [
      ["listRepositories", "DescribeRepositories", { pageSize: 1 }],
      ["listImages", "DescribeImages", { pageSize: 1, repoId: name }],
    ] as const;
    for (const [operation, action, input] of lists) {
      const { nextPageToken: pageToken } = (await ask(operation, input)).body;
      expect(pageToken).toEqual(expect.any(String));
      registry().emulator.faults.add({ action, fault: { kind: "error", code: "InvalidParameterException" } });
      const { body } = await ask(operation, { ...input, pageToken });
      expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "pageToken" } });
    }
  });

  async function readAll(input: object): Promise<string[]> {
    const names: string[] = [];
    for (let pageToken: unknown; ; ) {
      const { body } = await ask("listRepositories", { ...input, ...(pageToken !== undefined && { pageToken }) });
      names.push(...((body.repositories as { name: string }[]) ?? []).map(({ name }) => name));
      pageToken = body.nextPageToken;
      if (pageToken === undefined) return names;
    }
  }
});
