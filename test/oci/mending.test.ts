import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, open, stat, truncate, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Client, filesIn, pushBlob, pushImage, sha256, startRegistry, temporaryFolder } from "./support.ts";

// What a reader is told of a blob that was damaged on the disk, and how it becomes whole again.

const scope = "repository:a:pull,push,delete repository:b:pull,push,delete";
const hexOf = (digest: string) => digest.slice("sha256:".length);
const blobFile = ({ dataDir }: Client, name: string, digest: string) =>
  join(dataDir, "repositories", name, "_/blobs/sha256", hexOf(digest));

async function next(client: Client): Promise<Client> {
  await client.running.close();
  const after = await startRegistry({ dataDir: client.dataDir });
  // What it frees by itself at the start must not come after what the test does.
  await after.running.registry.sweep();
  return after;
}

/** Damages a file as a disk does: neither its length nor its times tell. */
async function rot(file: string): Promise<void> {
  const before = join(await temporaryFolder(), "before");
  await copyFile(file, before);
  execFileSync("touch", ["-r", file, before]);
  const handle = await open(file, "r+");
  await handle.write(randomBytes(16), 0, 16, 100);
  await handle.close();
  execFileSync("touch", ["-r", before, file]);
}

describe.each([
  { registry: "the registry that stored it", reach: async (client: Client) => client },
  { registry: "the next registry", reach: next },
])("a blob that became shorter, at $registry", ({ reach }) => {
  it.each(["HEAD", "GET"])(
    "is not there for a %s, is kept aside, and is whole after it was pushed again",
    async (method) => {
      const bytes = randomBytes(50_000);
      const digest = sha256(bytes);
      const first = await startRegistry();
      expect((await pushBlob(first.as(scope), "a", bytes)).status).toBe(201);
      const client = await reach(first);
      const send = client.as(scope);
      await truncate(blobFile(client, "a", digest), 20_000);
      const range = method === "GET" ? { Range: "bytes=10-19" } : {};
      expect((await send(method, `/v2/a/blobs/${digest}`, { headers: range })).status).toBe(404);
      expect((await send(method, `/v2/a/blobs/${digest}`)).status).toBe(404);
      expect((await filesIn(join(client.dataDir, "quarantine"))).length).toBe(1);
      expect((await pushBlob(send, "b", bytes)).status).toBe(201);
      expect((await pushBlob(send, "a", bytes)).status).toBe(201);
      for (const name of ["a", "b"]) {
        const head = await send("HEAD", `/v2/${name}/blobs/${digest}`);
        expect([head.status, head.headers["content-length"]]).toEqual([200, "50000"]);
        expect(sha256((await send("GET", `/v2/${name}/blobs/${digest}`)).body)).toBe(digest);
      }
    },
  );

  it("comes back by itself where another copy of it is whole", async () => {
    const bytes = randomBytes(50_000);
    const digest = sha256(bytes);
    const first = await startRegistry();
    expect((await pushBlob(first.as(scope), "a", bytes)).status).toBe(201);
    const client = await reach(first);
    const file = blobFile(client, "a", digest);
    execFileSync("rm", [file]);
    await writeFile(file, bytes.subarray(0, 100));
    const head = await client.as(scope)("HEAD", `/v2/a/blobs/${digest}`);
    expect([head.status, head.headers["content-length"]]).toEqual([200, "50000"]);
    expect(sha256((await client.as(scope)("GET", `/v2/a/blobs/${digest}`)).body)).toBe(digest);
  });
});

describe("a blob whose bytes changed, and neither its length nor its times", () => {
  const bytes = randomBytes(50_000);
  const digest = sha256(bytes);

  async function rotten(): Promise<Client> {
    const client = await startRegistry();
    expect((await pushBlob(client.as(scope), "a", bytes)).status).toBe(201);
    await rot(blobFile(client, "a", digest));
    expect(sha256((await client.as(scope)("GET", `/v2/a/blobs/${digest}`)).body)).not.toBe(digest);
    return client;
  }

  it("is replaced by what is pushed", async () => {
    const client = await rotten();
    expect((await pushBlob(client.as(scope), "a", bytes)).status).toBe(201);
    expect(sha256((await client.as(scope)("GET", `/v2/a/blobs/${digest}`)).body)).toBe(digest);
  });

  it("is not linked into another repository by a push", async () => {
    const client = await rotten();
    expect((await pushBlob(client.as(scope), "b", bytes)).status).toBe(201);
    expect(sha256((await client.as(scope)("GET", `/v2/b/blobs/${digest}`)).body)).toBe(digest);
  });

  it("is not linked into another repository by a mount", async () => {
    const client = await rotten();
    const mount = await client.as(scope)("POST", `/v2/b/blobs/uploads/?mount=${digest}&from=a`);
    expect(mount.status).toBe(202);
    expect((await client.as(scope)("GET", `/v2/b/blobs/${digest}`)).status).toBe(404);
  });
});

it("a blob that becomes shorter while it is sent ends in an error, never in fewer bytes", async () => {
  const bytes = randomBytes(40 * 1024 * 1024);
  const digest = sha256(bytes);
  const client = await startRegistry();
  const image = await pushImage(client.as(scope), "a", "1");
  expect((await pushBlob(client.as(scope), "a", bytes)).status).toBe(201);
  const headers = { Authorization: `Bearer ${client.token(scope)}` };
  const outcome = await new Promise<{ error?: string; bytes: number }>((resolve, reject) => {
    let seen = 0;
    request(`${client.url}/v2/a/blobs/${digest}`, { headers }, (res) => {
      res.once("readable", () => {
        // Far more is still to come than the sockets hold.
        truncate(blobFile(client, "a", digest), 1024 * 1024).then(() => {
          res.on("data", (chunk: Buffer) => {
            seen += chunk.length;
          });
        }, reject);
      });
      res.once("error", (error) => resolve({ error: error.message, bytes: seen }));
      res.once("end", () => resolve({ bytes: seen }));
    }).end();
  });
  expect(outcome.error).toBe("aborted");
  expect(outcome.bytes).toBeLessThan(bytes.length);
  expect((await client.as(scope)("HEAD", `/v2/a/blobs/${digest}`)).status).toBe(404);
  expect((await client.as(scope)("GET", `/v2/a/manifests/${image.digest}`)).status).toBe(200);
  expect((await stat(join(client.dataDir, "quarantine"))).isDirectory()).toBe(true);
});
