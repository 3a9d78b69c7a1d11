import { afterEach, describe, expect, test } from "vitest";
import { scopeMapFor } from "../../../functions/azure/acr/scope-maps.ts";
import { scopeMapName } from "../../../functions/azure/names.ts";
import { pushImage } from "../../../oci/client/index.ts";
import { noteManifest } from "../../emulators/azure/acr/catalogue.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { errorOf } from "../../support/inputs.ts";
import { everyItem } from "../../support/pages.ts";
import {
  callsOf,
  clientOf,
  containerRegistry,
  newCall,
  type OpenOptions,
  openRegistry,
  seedScopeMap,
  useStack,
} from "../support/registry.ts";

const stack = useStack({ identities: { puller: ["AcrPull"], pusher: ["AcrPush"] } });
const digest = `sha256:${"4".repeat(64)}`;
let count = 0;

const opened = (options: OpenOptions = {}) => {
  const registry = openRegistry(stack(), options);
  const { listRepositories, listImages, deleteImage } = registry;
  if (!listRepositories || !listImages || !deleteImage) throw new Error("The registry lists nothing.");
  return { ...registry, listRepositories, listImages, deleteImage };
};
const pushed = (name: string, tag = "1.0") => {
  const about = { digest, tag, mediaType: "application/vnd.oci.image.manifest.v1+json", size: 1_000 };
  noteManifest(containerRegistry(stack()), name, new Date(), about);
};
const reserved = (name: string, parts: object = {}) =>
  seedScopeMap(stack(), scopeMapName(opened().resolveId(name)), { ...scopeMapFor(opened().resolveId(name)), ...parts });
const forget = (name: string) => {
  containerRegistry(stack()).repositories.delete(name);
  containerRegistry(stack()).scopeMaps.delete(scopeMapName(opened().resolveId(name)));
};

const names = async (pageSize: number, between?: () => void, options?: OpenOptions) =>
  (await everyItem((page) => opened(options).listRepositories(page, newCall()), pageSize, between)).map(
    ({ name }) => name,
  );

afterEach(() => {
  const { azure } = stack();
  azure.faults.clear();
  azure.calls.length = 0;
  containerRegistry(stack()).repositories.clear();
  for (const [name, { type }] of containerRegistry(stack()).scopeMaps) {
    if (type === "UserDefined") containerRegistry(stack()).scopeMaps.delete(name);
  }
});

describe("the list of repositories", () => {
  test("has 1,200 of them in pages, each once, whatever comes, goes, is pushed or reserved meanwhile", async () => {
    const stays = Array.from({ length: 1_200 }, (_, n) => `images/stays/${String(n).padStart(4, "0")}`);
    for (const [n, name] of stays.entries()) {
      if (n % 3 !== 1) pushed(name);
      if (n % 3 !== 0) reserved(name);
    }
    for (let n = 0; n < 20; n++) pushed(`images/goes/${n}`);
    let turn = 0;
    const between = () => {
      // What was only pushed is reserved, and what was only reserved is pushed.
      for (const each of [turn * 3, 900 - turn * 3]) reserved(stays[each] ?? "");
      for (const each of [turn * 3 + 1, 901 - turn * 3]) pushed(stays[each] ?? "");
      forget(`images/goes/${turn}`);
      pushed(`images/comes/${turn++}`);
    };
    const seen = await names(100, between);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((name) => name.startsWith("images/stays/"))).toEqual(stays);
    expect(turn).toBeGreaterThan(10);
  }, 60_000);

  test.each([1, 2, 1_000])("has only what is under the prefix, with the prefix itself (pages of %i)", async (size) => {
    const ours = ["images", "images/a", "images/a/b", "images/z"];
    const theirs = ["imager", "images-old", "images-old/a", "images.x", "images0", "imagesold", "zoo"];
    for (const name of [...ours, ...theirs]) pushed(name);
    reserved("images/only-reserved");
    expect(await names(size)).toEqual([...ours.slice(0, 3), "images/only-reserved", "images/z"]);
    const whole = await names(size, undefined, { prefix: "" });
    expect(whole).toEqual([...ours, ...theirs, "images/only-reserved"].sort());
  });

  test("tells when createRepository made it, and nothing of what was only pushed", async () => {
    const made = reserved("images/made");
    pushed("images/made");
    pushed("images/only-pushed");
    reserved("images/going", { provisioningState: "Deleting" });
    const { items } = await opened().listRepositories({ pageSize: 10 }, newCall());
    const uri = (name: string) => `${stack().loginServer}/${name}`;
    expect(items).toEqual([
      { name: "images/made", uri: uri("images/made"), createdAt: made.creationDate.toISOString() },
      { name: "images/only-pushed", uri: uri("images/only-pushed") },
    ]);
  });

  test("reads no further than its own names", async () => {
    for (const name of ["images/a", "other/a", "other/b", "zoo"]) pushed(name);
    await names(1);
    const catalogs = callsOf(stack()).filter((each) => each === "acr GET catalog");
    expect(catalogs).toHaveLength(2);
  });

  test("is refused where the registry's order is not that of the characters: some could be missed", async () => {
    const output = { repositories: ["images/b", "images/a"] };
    stack().azure.faults.add({ fault: { kind: "answer", output }, action: "GET catalog" });
    const error = await errorOf(() => opened().listRepositories({ pageSize: 10 }, newCall()));
    expect(error).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
  });
});

describe("images", () => {
  const subject = async () => {
    const registry = opened();
    const name = registry.routeName(`app-${++count}`);
    const { password } = await registry.generateCredentials({ name, permissions: "push-pull" }, newCall());
    return { ...registry, name, client: clientOf(stack(), password.reveal()) };
  };

  test("with 1,000 tags have them all, and 250 images come in pages", async () => {
    const { listImages, name } = await subject();
    for (let n = 0; n < 1_000; n++) pushed(name, `tag-${n}`);
    for (let n = 0; n < 249; n++) {
      const about = { digest: `sha256:${String(n).padStart(64, "0")}`, tag: undefined, mediaType: "", size: 0 };
      noteManifest(containerRegistry(stack()), name, new Date(), about);
    }
    const items = await everyItem((page) => listImages(name, page, newCall()), 100);
    expect(items).toHaveLength(250);
    expect(new Set(items.map((each) => each.digest)).size).toBe(250);
    const tagged = items.find((each) => each.digest === digest);
    expect(new Set(tagged?.tags)).toEqual(new Set(Array.from({ length: 1_000 }, (_, n) => `tag-${n}`)));
    expect(tagged).toMatchObject({ sizeBytes: 1_000, pushedAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) });
    expect(items.find((each) => each.digest !== digest)).toMatchObject({ tags: [] });
  });

  test("are none where a repository was only created, and its page ends where it is deleted meanwhile", async () => {
    const { listImages, createRepository, name } = await subject();
    const page = { pageSize: 10 };
    expect((await errorOf(() => listImages(name, page, newCall()))).code).toBe("RESOURCE_NOT_FOUND");
    await createRepository(name, newCall());
    expect(await listImages(name, page, newCall())).toEqual({ items: [] });
    forget(name);
    expect(await listImages(name, { ...page, cursor: digest }, newCall())).toEqual({ items: [] });
  });

  test("that an index holds are deleted as well, as Azure does", async () => {
    const { listImages, deleteImage, client, name } = await subject();
    const index = buildIndex({ seed: name, layers: [100] });
    await pushImage(client, name, "multi", index);
    const child = index.images[0]?.manifest.digest ?? "";
    await deleteImage(name, { digest: child }, newCall());
    const left = (await listImages(name, { pageSize: 10 }, newCall())).items.map((each) => each.digest);
    expect(left).not.toContain(child);
    expect(left).toContain(index.index.digest);
  });

  test("keep the tag that was moved away from them while they are deleted", async () => {
    const { listImages, deleteImage, client, name } = await subject();
    const [image, other] = [buildImage({ seed: name }), buildImage({ seed: `${name} other` })];
    await pushImage(client, name, "moved", image);
    stack().azure.faults.before = async ({ action }) => {
      if (action !== "DELETE manifest") return;
      stack().azure.faults.before = undefined;
      await pushImage(client, name, "moved", other);
    };
    await deleteImage(name, { digest: image.manifest.digest }, newCall());
    const { items } = await listImages(name, { pageSize: 10 }, newCall());
    expect(items).toMatchObject([{ digest: other.manifest.digest, tags: ["moved"] }]);
  });

  test.each([{ tag: "1.0" }, { digest }])(
    "that are locked stay (%o), and the way to unlock them is told",
    async (which) => {
      const { deleteImage, name } = await subject();
      pushed(name);
      const found = containerRegistry(stack()).repositories.get(name);
      if (found === undefined) throw new Error("There is no repository.");
      found.locks.deleteEnabled = false;
      const error = await errorOf(() => deleteImage(name, which, newCall()));
      expect(error).toMatchObject({
        code: "RESOURCE_CONFLICT",
        hint: expect.stringContaining("--delete-enabled true"),
      });
      expect([found.manifests.size, found.tags.size]).toEqual([1, 1]);
    },
  );

  test("are deleted by no identity that may only push, and the role that it lacks is named", async () => {
    const { deleteImage, resolveId } = opened({ as: "pusher" });
    pushed("images/kept");
    for (const which of [{ tag: "1.0" }, { digest }]) {
      const error = await errorOf(() => deleteImage(resolveId("images/kept"), which, newCall()));
      expect(error).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining("AcrDelete") });
    }
    const { listImages } = opened({ as: "puller" });
    expect((await listImages(resolveId("images/kept"), { pageSize: 10 }, newCall())).items).toHaveLength(1);
  });
});
