import { randomBytes } from "node:crypto";
import { readFile, rm, stat, truncate, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Client,
  filesIn,
  type Image,
  json,
  makeImage,
  pushBlob,
  pushImage,
  putManifest,
  sha256,
  startRegistry,
} from "./support.ts";

// What the registry acknowledged earlier is lost or damaged on the disk, and the client pushes it again. The answer
// may be "created" only where the content is there afterwards, also for a registry that remembers nothing.

const SCOPE = "repository:a:pull,push,delete repository:b:pull,push,delete";
const later = new Date(Date.now() + 60_000);

const damages: Readonly<Record<string, (file: string) => Promise<void>>> = {
  removed: (file) => unlink(file),
  emptied: (file) => truncate(file, 0),
  shortened: async (file) => truncate(file, (await stat(file)).size - 1),
  "overwritten with zeros": async (file) => {
    await writeFile(file, Buffer.alloc((await stat(file)).size), { flag: "r+" });
    // As any write does that comes later than the registry's own.
    await utimes(file, later, later);
  },
  "replaced by something else": async (file) => {
    const { size } = await stat(file);
    await unlink(file);
    await writeFile(file, randomBytes(size));
  },
};

/** Beside the registry that wrote it, and in the next one, which remembers nothing. */
const moments: Readonly<Record<string, (client: Client) => Promise<Client>>> = {
  "by the registry that stored it": async (client) => client,
  "by the next registry": async (client) => {
    await client.running.close();
    const next = await startRegistry({ dataDir: client.dataDir });
    // What it frees by itself at the start must not come after what the test does.
    await next.running.registry.sweep();
    return next;
  },
};

const cases = Object.entries(damages).flatMap(([damage, harm]) =>
  Object.entries(moments).map(([moment, reach]) => ({ damage, harm, moment, reach })),
);

const hexOf = (digest: string) => digest.slice("sha256:".length);
const blobFile = ({ dataDir }: Client, name: string, digest: string) =>
  join(dataDir, "repositories", name, "_/blobs/sha256", hexOf(digest));
const sharedFile = ({ dataDir }: Client, digest: string) =>
  join(dataDir, "blobs/sha256", hexOf(digest).slice(0, 2), hexOf(digest));

/** What another registry, without any memory, says of it. */
async function seenAfresh(client: Client, path: string): Promise<string> {
  await client.running.close();
  const next = await startRegistry({ dataDir: client.dataDir });
  const { status, body } = await next.as(SCOPE)("GET", path);
  return `${status} ${sha256(body)}`;
}

describe.each(cases)("a blob that was $damage, pushed again $moment", ({ damage, harm, reach }) => {
  const bytes = randomBytes(50_000);
  const digest = sha256(bytes);
  const whole = `200 ${digest}`;

  async function damaged(harmed: (client: Client) => string[]): Promise<Client> {
    const first = await startRegistry();
    expect((await pushBlob(first.as(SCOPE), "a", bytes)).status).toBe(201);
    const client = await reach(first);
    for (const file of harmed(client)) await harm(file);
    return client;
  }

  it("to its own repository is there", async () => {
    // Both names are one file: what is done in place is done to both.
    const client = await damaged((on) =>
      ["removed", "replaced by something else"].includes(damage)
        ? [blobFile(on, "a", digest), sharedFile(on, digest)]
        : [blobFile(on, "a", digest)],
    );
    expect((await pushBlob(client.as(SCOPE), "a", bytes)).status).toBe(201);
    expect(await seenAfresh(client, `/v2/a/blobs/${digest}`)).toBe(whole);
  });

  it("to another repository is there, and is shared again", async () => {
    const client = await damaged((on) => [sharedFile(on, digest)]);
    expect((await pushBlob(client.as(SCOPE), "b", bytes)).status).toBe(201);
    expect((await stat(blobFile(client, "b", digest))).ino).toBe((await stat(sharedFile(client, digest))).ino);
    expect(await filesIn(join(client.dataDir, "uploads"))).toEqual([]);
    expect(await seenAfresh(client, `/v2/b/blobs/${digest}`)).toBe(whole);
  });

  it("by a mount is there, or the client is asked to send it", async () => {
    const client = await damaged((on) => [blobFile(on, "a", digest)]);
    const send = client.as(SCOPE);
    const mount = await send("POST", `/v2/b/blobs/uploads/?mount=${digest}&from=a`);
    expect(mount.status).toBe(202);
    expect((await send("GET", `/v2/b/blobs/${digest}`)).status).toBe(404);
    expect((await send("PUT", `${mount.headers.location}?digest=${digest}`, { body: bytes })).status).toBe(201);
    expect(await seenAfresh(client, `/v2/b/blobs/${digest}`)).toBe(whole);
  });

  it("by a mount over a damaged one is there", async () => {
    const first = await startRegistry();
    for (const name of ["a", "b"]) expect((await pushBlob(first.as(SCOPE), name, bytes)).status).toBe(201);
    const client = await reach(first);
    // Not one file with the source any more: only the target is damaged.
    await rm(blobFile(client, "b", digest));
    await writeFile(blobFile(client, "b", digest), bytes);
    await harm(blobFile(client, "b", digest));
    const mount = await client.as(SCOPE)("POST", `/v2/b/blobs/uploads/?mount=${digest}&from=a`);
    expect(mount.status).toBe(201);
    expect(await seenAfresh(client, `/v2/b/blobs/${digest}`)).toBe(whole);
  });
});

describe.each(cases)("a file of an image that was $damage, pushed again $moment", ({ harm, reach }) => {
  async function damaged(image: Image, path: string): Promise<Client> {
    const first = await startRegistry();
    const send = first.as(SCOPE);
    await pushImage(send, "a", "1.0", image);
    expect((await send("GET", "/v2/a/manifests/1.0")).status).toBe(200);
    const client = await reach(first);
    await harm(join(client.dataDir, "repositories/a/_", path));
    return client;
  }

  it("is there: the manifest", async () => {
    const image = makeImage();
    const client = await damaged(image, `manifests/sha256/${hexOf(image.digest)}`);
    expect((await putManifest(client.as(SCOPE), "a", "1.0", image.manifest)).status).toBe(201);
    expect(await seenAfresh(client, "/v2/a/manifests/1.0")).toBe(`200 ${image.digest}`);
  });

  it("is there: the tag", async () => {
    const image = makeImage();
    const client = await damaged(image, "tags/1.0");
    expect((await putManifest(client.as(SCOPE), "a", "1.0", image.manifest)).status).toBe(201);
    expect(await seenAfresh(client, "/v2/a/manifests/1.0")).toBe(`200 ${image.digest}`);
  });

  it("is there: the note of its subject", async () => {
    const subject = sha256("some subject");
    const image = makeImage([], { subject: { mediaType: "application/json", digest: subject, size: 12 } });
    const note = `referrers/sha256/${hexOf(subject)}/sha256-${hexOf(image.digest)}`;
    const client = await damaged(image, note);
    expect((await putManifest(client.as(SCOPE), "a", "1.0", image.manifest)).status).toBe(201);
    await client.running.close();
    const next = await startRegistry({ dataDir: client.dataDir });
    const { manifests } = json<{ manifests: { digest: string }[] }>(
      await next.as(SCOPE)("GET", `/v2/a/referrers/${subject}`),
    );
    expect(manifests.map(({ digest }) => digest)).toEqual([image.digest]);
  });

  it("is there: the date of its repository", async () => {
    const image = makeImage();
    const client = await damaged(image, "created");
    const again = await client.as(SCOPE)("GET", "/v2/a/_alien/repository");
    expect((await putManifest(client.as(SCOPE), "a", "1.0", image.manifest)).status).toBe(201);
    await client.running.close();
    const next = await startRegistry({ dataDir: client.dataDir });
    const { createdAt } = json<{ createdAt: string }>(await next.as(SCOPE)("GET", "/v2/a/_alien/repository"));
    expect(Date.parse(createdAt), `${again.status}`).toBeGreaterThan(0);
  });
});

describe("a manifest whose blob has another length than it says", () => {
  it("is refused where the blob is whole: the manifest is wrong", async () => {
    const client = await startRegistry();
    const send = client.as(SCOPE);
    const image = makeImage();
    for (const blob of [image.config, ...image.layers]) expect((await pushBlob(send, "a", blob)).status).toBe(201);
    for (const [field, wrong] of [
      ["config", { ...JSON.parse(image.manifest), config: { ...JSON.parse(image.manifest).config, size: 1 } }],
      ["layers", { ...JSON.parse(image.manifest), layers: [{ ...JSON.parse(image.manifest).layers[0], size: 2001 }] }],
    ]) {
      const put = await putManifest(send, "a", "1.0", JSON.stringify(wrong));
      expect([put.status, put.code], String(field)).toEqual([400, "MANIFEST_INVALID"]);
    }
    expect((await putManifest(send, "a", "1.0", image.manifest)).status).toBe(201);
  });

  it.each(Object.entries(moments))(
    "is refused where the blob is damaged, until it has come again: %s",
    async (_, reach) => {
      const first = await startRegistry();
      const image = makeImage();
      const [layer = Buffer.alloc(0)] = image.layers;
      for (const blob of [image.config, layer]) expect((await pushBlob(first.as(SCOPE), "a", blob)).status).toBe(201);
      const client = await reach(first);
      const send = client.as(SCOPE);
      await truncate(blobFile(client, "a", sha256(layer)), 10);
      const put = await putManifest(send, "a", "1.0", image.manifest);
      expect([put.status, put.code]).toEqual([404, "MANIFEST_BLOB_UNKNOWN"]);
      // A client asks by HEAD what it has to send.
      expect((await send("HEAD", `/v2/a/blobs/${sha256(layer)}`)).status).toBe(404);
      await pushImage(send, "a", "1.0", image);
      expect(await seenAfresh(client, `/v2/a/blobs/${sha256(layer)}`)).toBe(`200 ${sha256(layer)}`);
      expect(await readFile(blobFile(client, "a", sha256(image.config)))).toEqual(image.config);
    },
  );
});
