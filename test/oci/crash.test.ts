import { randomBytes, randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { spawnRegistry } from "./process.ts";
import { ask, filesIn, type Image, makeImage, pushImage, type Send, sha256, temporaryFolder } from "./support.ts";

const PUSHES = 50;
const REPOSITORIES = 5;

/**
 * Kills the registry while images are pushed, four at a time, until all attempts were made. It is killed at a random
 * request, not after some time, so that as much happens on a slow machine as on a fast one.
 */
it("kill -9 loses nothing that was acknowledged and shows nothing that was not", async () => {
  const dataDir = await temporaryFolder();
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const names = Array.from({ length: REPOSITORIES }, (_, i) => `team/app${i}`);
  const token = mintToken(key, {
    subject: "test",
    access: names.map((name) => ({ type: "repository", name, actions: ["pull", "push"] })),
    audience: "registry",
    expiresAt: new Date(Date.now() + 600_000),
  });
  let begun = (): void => undefined;
  const to =
    (url: string): Send =>
    (method, path, options = {}) => {
      begun();
      return ask(method, `${url}${path}`, {
        ...options,
        headers: { Authorization: `Bearer ${token}`, ...options.headers },
      });
    };

  const acknowledged: { name: string; tag: string; image: Image }[] = [];
  const common = randomBytes(100_000);
  let [attempts, kills] = [0, 0];
  while (attempts < PUSHES) {
    const registry = await spawnRegistry(dataDir);
    // Where the last one was killed with a file half written, this start has removed it.
    expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
    let alive = true;
    // An image takes four requests: early on nothing is finished, later on something is.
    let left = kills % 2 === 0 ? randomInt(24, 36) : randomInt(1, 24);
    const due = new Promise<void>((resolve) => {
      begun = () => {
        left -= 1;
        if (left === 0) setTimeout(resolve, randomInt(0, 10));
      };
    });
    const pushOne = async () => {
      while (alive && attempts < PUSHES) {
        attempts += 1;
        const [name, tag] = [names[attempts % REPOSITORIES] ?? "", `t${attempts}`];
        const image = makeImage([common, randomBytes(randomInt(1, 2_000_000))]);
        try {
          await pushImage(to(registry.url), name, tag, image);
          acknowledged.push({ name, tag, image });
        } catch {
          return;
        }
      }
    };
    const pushes = Promise.all([pushOne(), pushOne(), pushOne(), pushOne()]);
    await Promise.race([pushes, due]);
    alive = false;
    await registry.stop("SIGKILL");
    kills += 1;
    await pushes;
  }
  expect(kills).toBeGreaterThan(3);
  expect(acknowledged.length).toBeGreaterThan(3);

  const registry = await spawnRegistry(dataDir);
  const send = to(registry.url);
  for (const { name, tag, image } of acknowledged) {
    expect((await send("GET", `/v2/${name}/manifests/${tag}`)).body.toString()).toBe(image.manifest);
  }
  for (const name of names) await checkWhole(send, name, join(dataDir, "repositories", name, "_"));
  expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
  expect(await registry.stop("SIGTERM")).toBe(0);
}, 120_000);

/** Everything that can be seen in a repository, by the API and on disk, is complete and is what its name says. */
async function checkWhole(send: Send, name: string, folder: string): Promise<void> {
  const list = await send("GET", `/v2/${name}/tags/list`);
  const tags = list.status === 404 ? [] : (JSON.parse(list.body.toString()) as { tags: string[] }).tags;
  const manifests = (await filesIn(join(folder, "manifests"))).map((file) => file.replace("/", ":"));
  for (const reference of [...tags, ...manifests]) {
    const got = await send("GET", `/v2/${name}/manifests/${reference}`);
    expect(got.status, `${name}:${reference}`).toBe(200);
    expect(sha256(got.body)).toBe(got.headers["docker-content-digest"]);
    const { config, layers } = JSON.parse(got.body.toString()) as {
      config: { digest: string };
      layers: { digest: string }[];
    };
    for (const { digest } of [config, ...layers]) {
      const blob = await send("GET", `/v2/${name}/blobs/${digest}`);
      expect(sha256(blob.body), `${name} ${digest}`).toBe(digest);
    }
  }
  for (const file of await filesIn(join(folder, "blobs/sha256"))) {
    expect(sha256(await readFile(join(folder, "blobs/sha256", file)))).toBe(`sha256:${file}`);
  }
}
