import { randomBytes } from "node:crypto";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createClient, repositoryMarker } from "../../oci/client/index.ts";
import type { CollectOptions } from "../../oci/registry/index.ts";
import { parseDigest, parseRepositoryName } from "../../oci/registry/store/names.ts";
import { Recent } from "../../oci/registry/store/recent.ts";
import {
  type Client,
  filesIn,
  type Image,
  json,
  makeImage,
  ociIndex,
  pushBlob,
  pushImage,
  putManifest,
  type Send,
  sha256,
  startRegistry,
} from "./support.ts";

const scope = "repository:a:pull,push,delete repository:b:pull,push,delete";
const dayMs = 24 * 3_600_000;

interface Aged {
  readonly client: Client;
  readonly send: Send;
  /** Days pass on both clocks: what was asked for before is not recent any more. */
  pass(days: number): void;
  collect(options?: Partial<CollectOptions["policy"]>, dryRun?: boolean): Promise<string[]>;
}

async function aged(): Promise<Aged> {
  let passed = 0;
  const client = await startRegistry({ clock: () => new Date(Date.now() + passed), elapsed: () => passed });
  const token = client.token(scope, { expiresAt: new Date(Date.now() + 100_000 * dayMs) });
  const at = client.as(scope);
  return {
    client,
    send: (method, path, options = {}) =>
      at(method, path, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } }),
    pass(days) {
      passed += days * dayMs;
    },
    async collect(policy = {}, dryRun = false) {
      const removed: string[] = [];
      await client.running.registry.collect({
        policy: { untaggedMs: 7 * dayMs, keepLast: 0, ...policy },
        dryRun,
        report: ({ kind, repository, digest }) => removed.push(`${kind} ${repository} ${digest}`),
      });
      return removed.sort();
    },
  };
}

const everythingOf = (name: string, { digest, config, layers }: Image) =>
  [`image ${name} ${digest}`, ...[config, ...layers].map((blob) => `blob ${name} ${sha256(blob)}`)].sort();

it("five pushes of one tag keep one image, and a dry run says so before", async () => {
  const { client, send, pass, collect } = await aged();
  const images: Image[] = [];
  for (let i = 0; i < 5; i += 1) images.push(await pushImage(send, "a", "latest"));
  expect(await collect()).toEqual([]);
  pass(8);
  const old = images.slice(0, 4).flatMap((image) => everythingOf("a", image));
  const before = await filesIn(client.dataDir);
  expect(await collect({}, true)).toEqual(old.sort());
  expect(await filesIn(client.dataDir)).toEqual(before);
  expect(await collect()).toEqual(old.sort());
  expect((await filesIn(join(client.dataDir, "blobs"))).length).toBe(2);
  expect((await send("GET", "/v2/a/manifests/latest")).body.toString()).toBe(images[4]?.manifest);
  for (const blob of [images[4]?.config ?? "", ...(images[4]?.layers ?? [])]) {
    expect((await send("GET", `/v2/a/blobs/${sha256(blob)}`)).body).toEqual(blob);
  }
});

it("the last untagged images stay as the policy says, and what is young", async () => {
  const { send, pass, collect } = await aged();
  const images: Image[] = [];
  for (let i = 0; i < 4; i += 1) {
    images.push(await pushImage(send, "a", "latest"));
    pass(2);
  }
  // Pushed 8, 6, 4 and 2 days ago; the last one has the tag.
  expect(await collect({ untaggedMs: 5 * dayMs, keepLast: 2 }, true)).toEqual(
    everythingOf("a", images[0] ?? makeImage()),
  );
  expect(await collect({ untaggedMs: 5 * dayMs }, true)).toEqual(
    images
      .slice(0, 2)
      .flatMap((image) => everythingOf("a", image))
      .sort(),
  );
  // One that is pushed again is young again.
  await pushImage(send, "a", images[0]?.digest ?? "", images[0]);
  pass(0.9);
  expect(await collect({ untaggedMs: 5 * dayMs }, true)).toEqual(everythingOf("a", images[1] ?? makeImage()));
});

it("what a tagged index lists stays, and what refers to it, and what makes a repository exist", async () => {
  const { client, send, pass, collect } = await aged();
  const child = makeImage();
  await pushImage(send, "a", child.digest, child);
  const manifests = [
    { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: child.digest, size: child.manifest.length },
  ];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests });
  expect((await putManifest(send, "a", "1", index, ociIndex)).status).toBe(201);
  const subject = { mediaType: ociIndex, digest: sha256(index), size: index.length };
  const signature = makeImage([], { subject });
  await pushImage(send, "a", signature.digest, signature);
  const marker = createClient({ url: client.url, credentials: { bearer: client.token(scope) } });
  await marker.pushBlob("b", { digest: repositoryMarker.config.digest, body: repositoryMarker.config.bytes });
  await marker.pushManifest("b", repositoryMarker.manifest.digest, repositoryMarker.manifest);
  pass(30);
  expect(await collect()).toEqual([]);
  expect((await send("GET", "/v2/b/_alien/repository")).status).toBe(200);
  // Without the tag all of it goes, the note of the referrer too.
  expect((await send("DELETE", "/v2/a/manifests/1")).status).toBe(202);
  pass(1);
  const gone = [`image a ${sha256(index)}`, ...everythingOf("a", child), ...everythingOf("a", signature)];
  expect(await collect()).toEqual(gone.sort());
  expect(await filesIn(join(client.dataDir, "repositories/a/_"))).toEqual(["created"]);
  expect(json<{ manifests: unknown[] }>(await send("GET", `/v2/a/referrers/${sha256(index)}`)).manifests).toEqual([]);
});

it("deleting by digest frees the blobs that no other image needs", async () => {
  const { client, send, pass, collect } = await aged();
  const common = randomBytes(1_000);
  const [one, two] = [makeImage([common]), makeImage([common])];
  await pushImage(send, "a", "1", one);
  await pushImage(send, "a", "2", two);
  await send("DELETE", `/v2/a/manifests/${one.digest}`);
  pass(1);
  expect(await collect()).toEqual([`blob a ${sha256(one.config)}`]);
  expect((await filesIn(join(client.dataDir, "blobs"))).length).toBe(2);
});

it("leaves what a client has asked for since, since its manifest may come", async () => {
  const { send, pass, collect } = await aged();
  const image = await pushImage(send, "a", "1");
  await send("DELETE", `/v2/a/manifests/${image.digest}`);
  pass(30);
  for (const blob of [image.config, ...image.layers]) {
    expect((await send("HEAD", `/v2/a/blobs/${sha256(blob)}`)).status).toBe(200);
  }
  expect(await collect()).toEqual([]);
  expect((await putManifest(send, "a", "1", image.manifest)).status).toBe(201);
  // The images of an index are asked for before it is pushed.
  await send("DELETE", "/v2/a/manifests/1");
  pass(30);
  expect((await send("HEAD", `/v2/a/manifests/${image.digest}`)).status).toBe(200);
  expect(await collect()).toEqual([]);
});

it("leaves a repository alone in which a manifest is damaged", async () => {
  const { client, send, pass, collect } = await aged();
  const [one, two] = [await pushImage(send, "a", "1"), await pushImage(send, "a", "1")];
  await truncate(join(client.dataDir, "repositories/a/_/manifests/sha256", two.digest.slice(7)), 50);
  pass(30);
  expect(await collect()).toEqual([]);
  expect((await send("GET", `/v2/a/manifests/${one.digest}`)).status).toBe(200);
});

it("beside pushes leaves every image that was acknowledged whole", async () => {
  const { client, send, pass, collect } = await aged();
  const layer = randomBytes(50_000);
  let stop = false;
  const collections = (async () => {
    while (!stop) await collect({ untaggedMs: 0 });
  })();
  for (let i = 0; i < 40; i += 1) {
    const image = makeImage([layer]);
    // Days pass between two pushes, and not in their midst: what the last one left becomes garbage while this one runs.
    pass(1);
    for (const blob of [image.config, layer]) {
      if ((await send("HEAD", `/v2/a/blobs/${sha256(blob)}`)).status === 200) continue;
      expect((await pushBlob(send, "a", blob)).status).toBe(201);
    }
    expect((await putManifest(send, "a", "latest", image.manifest)).status).toBe(201);
    expect((await send("GET", "/v2/a/manifests/latest")).body.toString()).toBe(image.manifest);
    for (const blob of [image.config, layer]) {
      expect((await send("GET", `/v2/a/blobs/${sha256(blob)}`)).body).toEqual(blob);
    }
    // Every other one is deleted, so that its layer is garbage when the next one asks for it.
    if (i % 2 === 0) expect((await send("DELETE", `/v2/a/manifests/${image.digest}`)).status).toBe(202);
  }
  stop = true;
  await collections;
  pass(1);
  await collect({ untaggedMs: 0 });
  expect((await filesIn(join(client.dataDir, "repositories/a/_/manifests"))).length).toBe(1);
});

it("collects nothing while more was asked for than it can remember", () => {
  let now = 0;
  const recent = new Recent(1_000, () => now, 2);
  const [name, digests] = [parseRepositoryName("a"), ["a", "b", "c"].map((text) => parseDigest(sha256(text)))];
  const [one, two, three] = digests;
  if (name === undefined || one === undefined || two === undefined || three === undefined) throw new Error("no names");
  recent.note(name, one);
  expect([recent.has(name, one), recent.has(name, three)]).toEqual([true, false]);
  recent.note(name, two);
  recent.note(name, three);
  expect([one, two, three].map((digest) => recent.has(name, digest))).toEqual([true, true, true]);
  now = 1_500;
  expect(recent.has(name, three)).toBe(true);
  now = 2_600;
  expect(recent.has(name, three)).toBe(false);
});

it("is done by the server itself only where it is told to", async () => {
  const at = (days: number) => new Date(Date.now() + days * dayMs);
  const [first, quiet] = [await startRegistry(), await startRegistry()];
  for (const { as } of [first, quiet]) {
    await pushImage(as(scope), "a", "latest");
    await pushImage(as(scope), "a", "latest");
  }
  await first.running.close();
  const removed: string[] = [];
  const client = await startRegistry({
    dataDir: first.dataDir,
    clock: () => at(30),
    collect: {
      untaggedMs: dayMs,
      keepLast: 0,
      firstMs: 1,
      everyMs: 1,
      removed: ({ kind, repository }) => removed.push(`${kind} ${repository}`),
    },
  });
  const manifests = ({ dataDir }: Client) => filesIn(join(dataDir, "repositories/a/_/manifests"));
  await expect.poll(async () => (await manifests(client)).length).toBe(1);
  expect((await manifests(quiet)).length).toBe(2);
  await expect.poll(() => removed.sort()).toEqual(["blob a", "blob a", "image a"]);
});
