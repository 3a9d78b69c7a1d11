import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { openRegistry } from "../../oci/registry/index.ts";
import { loadTokenKey } from "../../oci/token/index.ts";
import {
  type Client,
  filesIn,
  json,
  makeImage,
  pushBlob,
  pushImage,
  putManifest,
  sha256,
  startRegistry,
  temporaryFolder,
} from "./support.ts";

const scope = (...names: string[]) => names.map((name) => `repository:${name}:pull,push,delete`).join(" ");
const shared = (client: Client) => filesIn(join(client.dataDir, "blobs"));
const hex = (bytes: Buffer) => sha256(bytes).slice("sha256:".length);
const inodeOf = async (client: Client, name: string, bytes: Buffer) =>
  (await stat(join(client.dataDir, "repositories", name, "_/blobs/sha256", hex(bytes)))).ino;

describe("blobs are kept once", () => {
  it("however they came, one after the other or at the same time", async () => {
    const client = await startRegistry();
    const send = client.as(scope("a", "b", "c", "d"));
    const bytes = randomBytes(10_000);
    const pushes = ["a", "b", "c"].map((name) => pushBlob(send, name, bytes));
    expect((await Promise.all(pushes)).map(({ status }) => status)).toEqual([201, 201, 201]);
    await send("POST", `/v2/d/blobs/uploads/?mount=${sha256(bytes)}&from=a`);
    const inodes = await Promise.all(["a", "b", "c", "d"].map((name) => inodeOf(client, name, bytes)));
    expect(new Set(inodes).size).toBe(1);
    expect(await shared(client)).toHaveLength(1);
  });

  it("until the last repository that has them deletes them", async () => {
    const client = await startRegistry();
    const send = client.as(scope("a", "b"));
    const bytes = randomBytes(10_000);
    for (const name of ["a", "b"]) await pushBlob(send, name, bytes);
    await send("DELETE", `/v2/a/blobs/${sha256(bytes)}`);
    expect((await send("GET", `/v2/a/blobs/${sha256(bytes)}`)).status).toBe(404);
    expect((await send("GET", `/v2/b/blobs/${sha256(bytes)}`)).body.equals(bytes)).toBe(true);
    expect(await shared(client)).toHaveLength(1);
    await send("DELETE", `/v2/b/blobs/${sha256(bytes)}`);
    expect(await shared(client)).toEqual([]);
  });

  it("and a shared name that nobody uses is swept, but none that is used", async () => {
    const client = await startRegistry();
    const send = client.as(scope("a"));
    const [used, orphan] = [randomBytes(1000), randomBytes(2000)];
    await pushBlob(send, "a", used);
    const folder = join(client.dataDir, "blobs/sha256", hex(orphan).slice(0, 2));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, hex(orphan)), orphan);
    expect(await client.running.registry.sweep()).toEqual({ uploads: 0, blobs: 1, bytes: 2000 });
    expect(await shared(client)).toHaveLength(1);
    expect((await send("GET", `/v2/a/blobs/${sha256(used)}`)).status).toBe(200);
  });
});

describe("deleting a repository", () => {
  it("takes all of it, frees what nobody else has, and nothing below or beside it", async () => {
    // A file system may round the times of its files.
    const begun = Date.now() - 1_000;
    const client = await startRegistry();
    const send = client.as(scope("team", "team/app", "teams"));
    const [common, own] = [randomBytes(1000), randomBytes(1000)];
    const image = await pushImage(send, "team", "1", makeImage([common, own]));
    const nested = await pushImage(send, "team/app", "1", makeImage([common]));
    await pushImage(send, "teams", "1");
    const { createdAt } = json<{ createdAt: string }>(await send("GET", "/v2/team/_alien/repository"));
    expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(begun);
    expect(Date.parse(createdAt)).toBeLessThanOrEqual(Date.now());

    expect((await send("DELETE", "/v2/team/_alien/repository")).status).toBe(202);
    for (const path of ["_alien/repository", "manifests/1", `manifests/${image.digest}`, "tags/list"]) {
      expect((await send("GET", `/v2/team/${path}`)).status, path).toBe(404);
    }
    expect((await send("GET", `/v2/team/blobs/${sha256(common)}`)).status).toBe(404);
    expect((await send("DELETE", "/v2/team/_alien/repository")).code).toBe("NAME_UNKNOWN");
    for (const name of ["team/app", "teams"]) {
      expect((await send("GET", `/v2/${name}/manifests/1`)).status).toBe(200);
      expect((await send("GET", `/v2/${name}/_alien/repository`)).status).toBe(200);
    }
    expect((await send("GET", `/v2/team/app/blobs/${sha256(common)}`)).body.equals(common)).toBe(true);
    await client.running.registry.sweep();
    expect((await shared(client)).join()).not.toContain(hex(own));
    expect((await shared(client)).join()).toContain(hex(common));
    expect(await filesIn(join(client.dataDir, "trash"))).toEqual([]);
    expect(nested.layers[0]?.equals(common)).toBe(true);

    await pushImage(send, "team", "2");
    expect(json(await send("GET", "/v2/team/tags/list")).tags).toEqual(["2"]);
  });

  it("is known by its manifests: one with blobs only is not there yet", async () => {
    const client = await startRegistry();
    const send = client.as(scope("a"));
    await pushBlob(send, "a", "blob");
    expect((await send("GET", "/v2/a/_alien/repository")).code).toBe("NAME_UNKNOWN");
    const image = await pushImage(send, "a", "1");
    await send("DELETE", `/v2/a/manifests/${image.digest}`);
    expect((await send("GET", "/v2/a/_alien/repository")).code).toBe("NAME_UNKNOWN");
  });

  it("beside pushes leaves every image whole or not there", async () => {
    const client = await startRegistry();
    const send = client.as(scope("a", "b"));
    const layer = randomBytes(50_000);
    let stop = false;
    const deletions = (async () => {
      while (!stop) {
        await send("DELETE", "/v2/a/_alien/repository");
        await client.running.registry.sweep();
      }
    })();
    let [taken, refused] = [0, 0];
    for (let i = 0; i < 40; i += 1) {
      const image = makeImage([layer]);
      for (const blob of [image.config, layer]) expect((await pushBlob(send, "a", blob)).status).toBe(201);
      const put = await putManifest(send, "a", image.digest, image.manifest);
      if (put.status === 201) taken += 1;
      else refused += 1;
      expect([201, 404]).toContain(put.status);
      await pushImage(send, "b", "1", image);
      expect((await send("GET", `/v2/b/blobs/${sha256(layer)}`)).body.equals(layer)).toBe(true);
    }
    stop = true;
    await deletions;
    expect(taken + refused).toBe(40);
    const left = (await filesIn(join(client.dataDir, "repositories/a/_/manifests"))).length;
    const blobs = (await filesIn(join(client.dataDir, "repositories/a/_/blobs"))).length;
    if (left > 0) expect(blobs).toBeGreaterThan(left);
  }, 120_000);
});

describe("uploads", () => {
  it("that nobody touches for long are given up", async () => {
    let now = 0;
    const client = await startRegistry({ elapsed: () => now, uploadIdleMs: 60_000 });
    const bearer = client.token(scope("a"), { expiresAt: new Date(Date.now() + 3_600_000) });
    const authorized = { headers: { Authorization: `Bearer ${bearer}` } };
    const send = client.as(scope("a"));
    const upload = (await send("POST", "/v2/a/blobs/uploads/", authorized)).headers.location ?? "";
    await send("PATCH", upload, { ...authorized, body: "half" });
    now += 59_000;
    expect((await client.running.registry.sweep()).uploads).toBe(0);
    now += 2_000;
    expect((await client.running.registry.sweep()).uploads).toBe(1);
    expect((await send("GET", upload, authorized)).code).toBe("BLOB_UPLOAD_UNKNOWN");
    expect(await filesIn(join(client.dataDir, "uploads"))).toEqual([]);
  });
});

describe("the folder", () => {
  it("belongs to one registry at a time, and is free again after it", async () => {
    const client = await startRegistry();
    const options = { dataDir: client.dataDir, key: client.key };
    await expect(openRegistry(options)).rejects.toMatchObject({
      code: "IN_USE",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await client.running.close();
    const again = await openRegistry(options);
    await again.close();
    expect(await filesIn(client.dataDir)).toEqual(["format", "lock.db", "token.key"]);
  });

  it("is free when its owner is dead, whatever the file that names the owner says", async () => {
    const dataDir = await temporaryFolder();
    const key = await loadTokenKey(join(dataDir, "token.key"));
    const first = await openRegistry({ dataDir, key });
    const own = await readFile(join(dataDir, "lock"), "utf8");
    await first.close();
    const earlier = JSON.stringify({ pid: process.pid, start: "1", place: "a-boot pid:[4026531836]" });
    for (const left of [own, JSON.stringify({ ...JSON.parse(own), pid: 1 }), earlier, "rubbish", ""]) {
      await writeFile(join(dataDir, "lock"), left);
      const registry = await openRegistry({ dataDir, key });
      expect(JSON.parse(await readFile(join(dataDir, "lock"), "utf8"))).toMatchObject({ pid: process.pid });
      await registry.close();
    }
    expect(await filesIn(dataDir)).toEqual(["format", "lock.db", "token.key"]);
  });

  it("that cannot be written is one clear error", async () => {
    const folder = await temporaryFolder();
    const key = await loadTokenKey(join(folder, "token.key"));
    await writeFile(join(folder, "file"), "");
    // Nothing can be made in /proc, not by root either.
    for (const dataDir of [join(folder, "file", "data"), "/proc/registry/data"]) {
      await expect(openRegistry({ dataDir, key })).rejects.toMatchObject({
        code: "UNWRITABLE",
        message: expect.stringContaining(dataDir),
      });
      await expect(loadTokenKey(join(dataDir, "token.key"))).rejects.toThrow();
    }
  });

  it("is cleaned of half uploads and of trash at the start, and keeps everything else", async () => {
    const dataDir = await temporaryFolder();
    const first = await startRegistry({ dataDir });
    const image = await pushImage(first.as(scope("a")), "a", "1");
    await first.running.close();
    await writeFile(join(dataDir, "uploads", "half"), "half");
    await mkdir(join(dataDir, "trash/x/blobs/sha256"), { recursive: true });
    const dead = randomBytes(100);
    await mkdir(join(dataDir, "blobs/sha256", hex(dead).slice(0, 2)), { recursive: true });
    await writeFile(join(dataDir, "trash/x/blobs/sha256", hex(dead)), dead);
    await link(
      join(dataDir, "trash/x/blobs/sha256", hex(dead)),
      join(dataDir, "blobs/sha256", hex(dead).slice(0, 2), hex(dead)),
    );

    const second = await startRegistry({ dataDir });
    await second.running.registry.sweep();
    expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
    expect(await filesIn(join(dataDir, "trash"))).toEqual([]);
    expect((await shared(second)).join()).not.toContain(hex(dead));
    const send = second.as(scope("a"));
    expect((await send("GET", "/v2/a/manifests/1")).body.toString()).toBe(image.manifest);
    for (const blob of [image.config, ...image.layers]) {
      expect((await send("GET", `/v2/a/blobs/${sha256(blob)}`)).body.equals(blob)).toBe(true);
    }
    await rm(join(dataDir, "blobs"), { recursive: true });
    expect((await send("GET", `/v2/a/blobs/${sha256(image.config)}`)).status).toBe(200);
    expect((await pushBlob(send, "a", randomBytes(10))).status).toBe(201);
  });
});

describe("closing", () => {
  it("finishes the push that is under way and refuses the next one", async () => {
    const client = await startRegistry();
    const bytes = randomBytes(20_000_000);
    const send = client.as(scope("a"));
    const body = new PassThrough();
    const push = send("POST", `/v2/a/blobs/uploads/?digest=${sha256(bytes)}`, {
      headers: { "Content-Length": bytes.length },
      body,
    });
    body.write(bytes.subarray(0, bytes.length / 2));
    await expect.poll(async () => (await filesIn(join(client.dataDir, "uploads"))).length).toBe(1);
    const closed = client.running.close();
    body.end(bytes.subarray(bytes.length / 2));
    expect((await push).status).toBe(201);
    await closed;
    await expect(send("GET", "/v2/")).rejects.toThrow(/ECONNREFUSED|socket hang up/);
    const again = await startRegistry({ dataDir: client.dataDir });
    expect((await again.as(scope("a"))("GET", `/v2/a/blobs/${sha256(bytes)}`)).body.equals(bytes)).toBe(true);
  });
});
