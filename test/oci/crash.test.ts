import { randomBytes, randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { spawnRegistry } from "./process.ts";
import { ask, filesIn, type Image, makeImage, pushImage, type Send, sha256, temporaryFolder } from "./support.ts";

const KILLS = 12;
const ACKNOWLEDGED = 12;
const REPOSITORIES = 5;
/** Requests and answers, taken together, after which a registry is killed at the latest: those of some fifteen images. */
const MOMENTS = 120;

/**
 * Kills the registry while images are pushed, four at a time: at a random one of the moments at which a request is sent or
 * an answer has come, and the other requests are somewhere in between. So often, and until so many pushes were acknowledged.
 */
it("kill -9 loses nothing that was acknowledged and shows nothing that was not", async () => {
  const dataDir = await temporaryFolder();
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const names = Array.from({ length: REPOSITORIES }, (_, i) => `team/app${i}`);
  const token = mintToken(key, {
    subject: "test",
    access: names.map((name) => ({ type: "repository", name, actions: ["pull", "push"] })),
    audience: "registry",
    expiresAt: new Date(Date.now() + 24 * 3_600_000),
  });
  const to =
    (url: string, moment: () => void = () => {}): Send =>
    (method, path, options = {}) => {
      const headers = { Authorization: `Bearer ${token}`, ...options.headers };
      const answer = ask(method, `${url}${path}`, { ...options, headers });
      moment();
      return answer.finally(moment);
    };

  const acknowledged: { name: string; tag: string; image: Image }[] = [];
  const common = randomBytes(100_000);
  let [attempts, kills] = [0, 0];
  while (kills < KILLS || acknowledged.length < ACKNOWLEDGED) {
    const registry = await spawnRegistry(dataDir);
    // Where the last one was killed with a file half written, this start has removed it.
    expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
    let alive = true;
    let left = randomInt(1, MOMENTS);
    const enough = Promise.withResolvers<void>();
    const send = to(registry.url, () => {
      if (--left === 0) enough.resolve();
    });
    const pushOne = async () => {
      while (alive) {
        attempts += 1;
        const [name, tag] = [names[attempts % REPOSITORIES] ?? "", `t${attempts}`];
        const image = makeImage([common, randomBytes(randomInt(1, 2_000_000))]);
        try {
          await pushImage(send, name, tag, image);
          acknowledged.push({ name, tag, image });
        } catch (error) {
          if (alive) throw error;
        }
      }
    };
    const pushes = Promise.all([pushOne(), pushOne(), pushOne(), pushOne()]);
    await Promise.race([enough.promise, pushes]);
    alive = false;
    await registry.stop("SIGKILL");
    kills += 1;
    await pushes;
  }

  const registry = await spawnRegistry(dataDir);
  const send = to(registry.url);
  for (const { name, tag, image } of acknowledged) {
    expect((await send("GET", `/v2/${name}/manifests/${tag}`)).body.toString()).toBe(image.manifest);
  }
  for (const name of names) await checkWhole(send, name, join(dataDir, "repositories", name, "_"));
  expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
  expect(await registry.stop("SIGTERM")).toBe(0);
});

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
