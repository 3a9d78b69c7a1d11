import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestOf } from "../../../../oci/client/index.ts";
import { needsOf } from "../../../../oci/client/layout/descriptors.ts";
import { LayoutError, sampleImage } from "../../../../oci/client/layout/index.ts";
import { padding, readTarEntries, tarHeader } from "../../../../oci/client/layout/tar.ts";
import { temporaryFolder } from "../../support.ts";

const manifest = "application/vnd.oci.image.manifest.v1+json";
const digest = digestOf(Buffer.from("x"));
const named = (mediaType: string) => ({ mediaType, digest, size: 1 });
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe("what a manifest needs", () => {
  test("is its config and its layers, without those that stay with their vendor", () => {
    const layers = [
      "application/vnd.oci.image.layer.v1.tar",
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ];
    const needs = needsOf(named(manifest), json({ config: named("c"), layers: layers.map(named) }));
    expect(needs.blobs.map(({ mediaType }) => mediaType)).toEqual(["c", layers[0]]);
    expect(needs.manifests).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ["no JSON", "{", "is not a JSON object"],
    ["a list", [], "is not a JSON object"],
    [
      "a digest that leads elsewhere",
      { config: { ...named("c"), digest: "sha256:../../x" } },
      '"config" lists something',
    ],
    ["a negative size", { layers: [{ ...named("c"), size: -1 }] }, '"layers" lists something'],
    ["null", { layers: [null] }, '"layers" lists something'],
  ])("is refused if it is %s", (_, value, message) => {
    const bytes = typeof value === "string" ? Buffer.from(value) : json(value);
    expect(() => needsOf(named(manifest), bytes)).toThrow(message);
  });

  test("is not known for another type", () => {
    expect(() => needsOf(named("text/html"), json({}))).toThrow(LayoutError);
  });
});

test("a file of 10 GiB has a header that says so", async () => {
  const size = 10 * 1024 ** 3;
  const file = join(await temporaryFolder(), "it.tar");
  await writeFile(file, tarHeader("big", size));
  const handle = await open(file, "r+");
  try {
    // A hole: nothing of it is on the disk.
    await handle.truncate(512 + size + 1024);
    expect(await readTarEntries(handle)).toEqual(new Map([["big", { offset: 512, size }]]));
  } finally {
    await handle.close();
  }
});

test.each([
  [0, 0],
  [1, 511],
  [512, 0],
])("content of %i bytes is followed by %i", (size, zeros) => expect(padding(size)).toBe(zeros));

test("the sample image is the same every time", () => {
  expect(sampleImage("amd64").manifest.digest).toBe(sampleImage("amd64").manifest.digest);
  expect(sampleImage("amd64").manifest.digest).not.toBe(sampleImage("arm64").manifest.digest);
});
