import { execFileSync } from "node:child_process";
import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClient, digestOf, type OciClient, pullImage } from "../../../../oci/client/index.ts";
import {
  chooseImage,
  layoutOf,
  openLayout,
  pullLayout,
  pushLayout,
  sampleImage,
} from "../../../../oci/client/layout/index.ts";
import { digestsIn, digestsOf, writeLayout } from "../../../e2e/layout.ts";
import { startRegistry, temporaryFolder } from "../../support.ts";
import { buildImage, buildIndex, seededBytes } from "../images.ts";
import { serve } from "../server.ts";

interface Bench {
  readonly client: OciClient;
  /** The requests so far that sent or fetched a blob. */
  moved(): string[];
  readonly folder: string;
}

async function bench(): Promise<Bench> {
  const lines: { method?: string; path?: string }[] = [];
  const registry = await startRegistry();
  const client = createClient({
    url: registry.url,
    credentials: { bearer: registry.token("repository:team/app:pull,push") },
    fetch: (input, init) => {
      lines.push({ method: init?.method ?? "GET", path: new URL(String(input)).pathname });
      return fetch(input, init);
    },
  });
  const moved = () =>
    lines
      .splice(0)
      .flatMap(({ method, path }) =>
        /\/blobs\//.test(path ?? "") && method !== "HEAD" && method !== "POST" ? [`${method}`] : [],
      );
  return { client, moved, folder: await temporaryFolder() };
}

const at = (client: OciClient, reference: string) => ({ client, repository: "team/app", reference });

async function push(client: OciClient, path: string, reference: string, wanted?: string) {
  const source = await openLayout(path);
  try {
    return await pushLayout(at(client, reference), source, chooseImage(source.images, wanted));
  } finally {
    await source.close();
  }
}

const pull = (client: OciClient, reference: string, path: string, name?: string) =>
  pullLayout(at(client, reference), path, { name });

const index = buildIndex({ seed: "layouts", layers: [10, 200_000, 0] });

test("an image for two platforms travels from a folder through a registry into a folder and an archive, and back", async () => {
  const { client, folder, moved } = await bench();
  await writeLayout(join(folder, "from"), index, "v1");
  const first = await push(client, join(folder, "from"), "1.0");
  expect(first).toMatchObject({ image: { digest: index.index.digest }, present: 0 });
  expect(await pullImage(client, "team/app", "1.0")).toEqual(index);
  expect(moved()).toContain("PUT");

  const archive = join(folder, "pulled.tar");
  await pull(client, "1.0", join(folder, "pulled"), "1.0");
  await pull(client, index.index.digest, archive);
  expect(await digestsIn(join(folder, "pulled"))).toEqual(digestsOf(index));
  const listed = execFileSync("tar", ["-tf", archive], { encoding: "utf8" }).trim().split("\n");
  expect(listed.sort()).toEqual(
    ["index.json", "oci-layout", ...digestsOf(index).map((digest) => `blobs/${digest.replace(":", "/")}`)].sort(),
  );

  moved();
  expect(await push(client, archive, "2.0")).toMatchObject({ blobs: first.blobs, present: first.blobs, bytes: 0 });
  expect(moved()).toEqual([]);
  expect(await pull(client, "2.0", join(folder, "pulled"), "2.0")).toMatchObject({ present: first.blobs, bytes: 0 });
  expect(moved()).toEqual([]);
  const { images } = await openLayout(join(folder, "pulled"));
  expect(images.map(({ annotations }) => annotations)).toEqual(
    ["1.0", "2.0"].map((name) => ({ "org.opencontainers.image.ref.name": name })),
  );
});

test("archives that other tools make are read: with ./, folders, long headers and the index at the end", async () => {
  const { client, folder } = await bench();
  await writeLayout(join(folder, "from"), index, "v1");
  for (const format of ["ustar", "gnu", "pax"]) {
    const archive = join(folder, `${format}.tar`);
    execFileSync("tar", [`--format=${format}`, "-C", join(folder, "from"), "-cf", archive, "."]);
    expect(await push(client, archive, format)).toMatchObject({ image: { digest: index.index.digest } });
  }
});

test("of several images one must be named, by its name or by its digest", async () => {
  const { client, folder } = await bench();
  const [amd64] = index.images;
  await writeLayout(join(folder, "from"), index, "v1");
  await push(client, join(folder, "from"), "1.0");
  await pull(client, "1.0", join(folder, "both"), "multi");
  await pull(client, amd64?.manifest.digest ?? "", join(folder, "both"), "single");
  await expect(push(client, join(folder, "both"), "2.0")).rejects.toMatchObject({
    message: "The layout holds several images.",
    hint: "Choose one with --image: multi, single.",
  });
  expect((await push(client, join(folder, "both"), "2.0", "single")).image.digest).toBe(amd64?.manifest.digest);
  expect((await push(client, join(folder, "both"), "2.0", index.index.digest)).image.digest).toBe(index.index.digest);
  await expect(push(client, join(folder, "both"), "2.0", "none")).rejects.toThrow('no single image "none"');
  // The same name again takes the place of the first.
  await pull(client, "1.0", join(folder, "both"), "single");
  const { images } = await openLayout(join(folder, "both"));
  expect(images.map(({ digest }) => digest)).toEqual([index.index.digest, index.index.digest]);
});

test("nothing is pushed of a layout that is damaged or not complete, and the error says what is wrong", async () => {
  const { client, folder, moved } = await bench();
  const image = buildImage({ seed: "damage", layers: [100_000, 100_000] });
  const layout = join(folder, "layout");
  const layer = [...image.blobs.keys()][1] ?? "";
  const blob = join(layout, "blobs/sha256", layer.slice(7));
  await writeLayout(layout, image, "v1");
  const whole = await readFile(blob);

  await writeFile(blob, Buffer.from(whole).fill(0, 500, 600));
  await expect(push(client, layout, "1.0")).rejects.toThrow(`${layer} is damaged in the layout`);
  moved();
  await truncate(blob, 10);
  await expect(push(client, layout, "1.0")).rejects.toThrow(`${layer} has 10 bytes in the layout`);
  await rm(blob);
  await expect(push(client, layout, "1.0")).rejects.toThrow(`The layout lacks ${layer}.`);
  expect(moved()).toEqual([]);
  expect(await client.headManifest("team/app", "1.0")).toBeUndefined();
  await writeFile(blob, whole);
  expect(await push(client, layout, "1.0")).toMatchObject({ image: { digest: image.manifest.digest } });
});

test.each([
  ["nothing", [], "no OCI image layout"],
  ["an older docker save", ["manifest.json"], "older `docker save`"],
])("a folder that is %s is no layout", async (_, files, message) => {
  const folder = await temporaryFolder();
  for (const file of files) await writeFile(join(folder, file), "[]");
  await expect(openLayout(folder)).rejects.toThrow(message);
});

test.each<[string, () => Buffer, string]>([
  ["compressed", () => execFileSync("gzip", ["-c"], { input: "x" }).subarray(0, 20), "not a tar archive|compressed"],
  ["no archive", () => seededBytes("noise", 4096), "not a tar archive"],
])("a file that is %s is refused", async (_, bytes, message) => {
  const file = join(await temporaryFolder(), "it.tar");
  await writeFile(file, Buffer.concat([bytes(), Buffer.alloc(1024)]));
  await expect(openLayout(file)).rejects.toThrow(new RegExp(message));
});

test("an archive that was cut off is refused", async () => {
  const { client, folder } = await bench();
  const archive = join(folder, "it.tar");
  await pushLayout(at(client, "s"), layoutOf(sampleImage()), chooseImage(layoutOf(sampleImage()).images));
  await pull(client, "s", archive);
  await truncate(archive, 1_600);
  await expect(openLayout(archive)).rejects.toThrow("ends in the middle");
});

test("a folder that holds something else is left alone, and none is made for an image that is not there", async () => {
  const { client, folder } = await bench();
  await expect(pull(client, "nope", join(folder, "new"))).rejects.toMatchObject({ status: 404 });
  expect(await readdir(folder)).toEqual([]);
  await pushLayout(at(client, "1.0"), layoutOf(sampleImage()), chooseImage(layoutOf(sampleImage()).images));
  await writeFile(join(folder, "mine.txt"), "mine");
  await expect(pull(client, "1.0", folder)).rejects.toThrow("no image layout");
  expect(await readdir(folder)).toEqual(["mine.txt"]);
});

/** A registry with one image, whose layer is what `answer` makes of it. */
async function lying(layer: Buffer, answer: Buffer | "reset", tries = 0) {
  let asked = 0;
  const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const config = Buffer.from("{}");
  const type = "application/vnd.oci.image.manifest.v1+json";
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
  });
  const server = await serve((request, response) => {
    if (request.url?.includes("/manifests/")) response.setHeader("content-type", type).end(manifest);
    else if (request.url?.endsWith(digestOf(config))) response.end(config);
    else if (asked++ >= tries && tries > 0) response.end(layer);
    else if (answer !== "reset") response.end(answer);
    else {
      response
        .writeHead(200, { "content-length": layer.length })
        .write(layer.subarray(0, 100), () => response.destroy());
    }
  });
  return createClient({ url: server.url });
}

test.each([
  ["other bytes", Buffer.alloc(1_000, 1)],
  ["too few bytes", Buffer.alloc(10)],
  ["too many bytes", Buffer.alloc(5_000)],
])("a registry that answers %s for a layer leaves no image behind", async (_, answer) => {
  const layer = seededBytes("layer", 1_000);
  const client = await lying(layer, answer);
  const folder = await temporaryFolder();
  for (const path of [join(folder, "layout"), join(folder, "it.tar")]) {
    await expect(pull(client, "1.0", path)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  }
  expect(await readdir(folder)).toEqual(["layout"]);
  expect((await openLayout(join(folder, "layout"))).images).toEqual([]);
  const blobs = await readdir(join(folder, "layout/blobs/sha256"));
  expect(blobs.filter((name) => name !== digestOf(Buffer.from("{}")).slice(7))).toEqual([]);
});

test("a download that breaks off is made again, also into an archive", async () => {
  const layer = seededBytes("broken", 100_000);
  const folder = await temporaryFolder();
  for (const name of ["layout", "it.tar"]) {
    const client = await lying(layer, "reset", 2);
    let failures = 0;
    const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await work();
        } catch {
          failures++;
        }
      }
    };
    await pullLayout(at(client, "1.0"), join(folder, name), { attempt });
    expect(failures).toBe(2);
    const { images, find } = await openLayout(join(folder, name));
    expect(images.length).toBe(1);
    expect((await find({ mediaType: "", digest: digestOf(layer), size: layer.length })).size).toBe(layer.length);
  }
  expect((await stat(join(folder, "it.tar"))).size).toBeLessThan(110_000);
});
