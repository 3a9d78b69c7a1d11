import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ociManifest, pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { type Bench, type Slot, startBench } from "./support/bench.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.stop());

const remove = (slot: Slot) => slot.suite().ask("deleteRepository", { repoId: slot.name });
const deleted = ({ front }: Slot) =>
  front.passed
    .filter(({ action, outcome }) => action === "DELETE manifest" && outcome !== "401")
    .map(({ url }) => url.slice(url.lastIndexOf("/") + 1));

describe("the deletion of a repository", () => {
  test("takes an image once that an index and several tags lead to, and names no tag that went with it", async () => {
    const slot = await bench.slot();
    const index = buildIndex({ seed: slot.name });
    for (const tag of ["multi", "multi-too"]) await pushImage(slot.client, slot.name, tag, index);
    for (const image of index.images)
      await pushImage(slot.client, slot.name, `only-${image.manifest.digest.slice(7, 12)}`, image);
    expect((await remove(slot)).status).toBe(200);
    const digests = [index.index, ...index.images.map(({ manifest }) => manifest)].map(({ digest }) => digest);
    expect(deleted(slot).toSorted()).toEqual(digests.toSorted());
    for (const digest of digests) expect(await slot.client.headManifest(slot.name, digest)).toBeUndefined();
  });

  test("takes what refers to an image, and has no tag", async () => {
    const slot = await bench.slot();
    const image = buildImage({ seed: slot.name });
    await pushImage(slot.client, slot.name, "1.0", image);
    const { digest, bytes } = image.manifest;
    const subject = { mediaType: ociManifest, digest, size: bytes.byteLength };
    const signature = buildImage({ seed: `${slot.name}/signature`, subject });
    await pushImage(slot.client, slot.name, signature.manifest.digest, signature);
    expect((await remove(slot)).status).toBe(200);
    expect(await slot.client.headManifest(slot.name, signature.manifest.digest)).toBeUndefined();
    expect(await slot.client.headBlob(slot.name, [...signature.blobs.keys()][0] ?? "")).toBeUndefined();
  });

  test("removes a tag that leads nowhere by its name", async () => {
    const slot = await bench.slot();
    await pushImage(slot.client, slot.name, "dangling", buildImage({ seed: slot.name }));
    const times = Number.POSITIVE_INFINITY;
    const matches = ({ action, url }: { action: string; url: string }) =>
      action === "GET manifest" && url.endsWith("/dangling");
    slot.front.faults.add({ fault: { kind: "instead", status: 404 }, matches, times });
    expect((await remove(slot)).status).toBe(200);
    expect(deleted(slot)).toEqual(["dangling"]);
    expect(await slot.client.tags(slot.name).catch(() => [])).toEqual([]);
  });

  test("children that the registry keeps while an index leads to them go after it", async () => {
    const slot = await bench.slot();
    const index = buildIndex({ seed: slot.name });
    await pushImage(slot.client, slot.name, "multi", index);
    const [first] = index.images;
    const matches = ({ action, url }: { action: string; url: string }) =>
      action === "DELETE manifest" && url.endsWith(first?.manifest.digest ?? "?");
    slot.front.faults.add({ fault: { kind: "instead", status: 412 }, matches, nth: 1 });
    expect((await remove(slot)).status).toBe(200);
    expect(deleted(slot).slice(-2)).toEqual([index.index.digest, first?.manifest.digest]);
  });

  test("of a repository that is pushed to all the time ends, and says why", async () => {
    const slot = await bench.slot();
    const push = (tag: string) => pushImage(slot.client, slot.name, tag, buildImage({ seed: `${slot.name}/${tag}` }));
    await push("0");
    let count = 0;
    slot.front.faults.before = async ({ action }) => {
      if (action === "GET tags") await push(String(++count));
    };
    const { status, body } = await remove(slot);
    expect([status, body.code, body.retryable]).toEqual([409, "RESOURCE_CONFLICT", true]);
    slot.front.faults.clear();
    expect((await remove(slot)).status).toBe(200);
  });
});
