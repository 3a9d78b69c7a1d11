import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openOffline, type Problem } from "../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { refusedRegistry, spawnRegistry } from "./process.ts";
import { ask, type Image, makeImage, pushImage, type Send, sha256, temporaryFolder } from "./support.ts";

const script = join(import.meta.dirname, "endurance-server.ts");
/** `ENDURANCE_IMAGES` and `ENDURANCE_KILLS` make it shorter, for whoever changes this test. */
const images = Number(process.env.ENDURANCE_IMAGES ?? 2_000);
const kills = Number(process.env.ENDURANCE_KILLS ?? 50);
const names = Array.from({ length: 5 }, (_, i) => `team/app${i}`);

interface Acknowledged {
  readonly name: string;
  readonly tag: string;
  readonly manifest: string;
  readonly blobs: readonly string[];
}

/**
 * Images are pushed, four at a time, to registries that are killed again and again, at any moment. In the midst of it a second one
 * wants the folder, nothing can be written for a while, the clock jumps by years, and garbage is collected all the time, for which
 * a tag moves in every repository. What was acknowledged under a tag of its own must be there in the end.
 */
it("loses nothing under kills, two servers, a full disk, a lost clock, and collections of garbage", async () => {
  const dataDir = await temporaryFolder();
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const access = names.map((name) => ({ type: "repository" as const, name, actions: ["pull", "push"] }));
  const token = mintToken(key, { subject: "test", access, audience: "registry", expiresAt: new Date("2100-01-01") });
  const headers = { Authorization: `Bearer ${token}` };
  const to =
    (url: string): Send =>
    (method, path, options = {}) =>
      ask(method, `${url}${path}`, { ...options, headers: { ...headers, ...options.headers } });

  const acknowledged: Acknowledged[] = [];
  const common = randomBytes(50_000);
  const met = { refusedSecond: 0, refusedWhenFull: 0, kills: 0 };
  let attempts = 0;

  async function life(kill: number): Promise<void> {
    const registry = await spawnRegistry(dataDir, [], script);
    const send = to(registry.url);
    const limit = (bytes: string) =>
      execFileSync("prlimit", ["--pid", String(registry.child.pid), `--fsize=${bytes}:`]);
    let alive = true;
    const full = kill % 10 === 3;
    const wanted = Math.ceil((images * (kill + 1)) / kills);
    const pushOne = async () => {
      while (alive) {
        const attempt = attempts++;
        const [name, tag] = [names[attempt % names.length] ?? "", `Tag${attempt}`];
        const image: Image = makeImage([common, randomBytes(randomInt(1, 20_000))]);
        try {
          await pushImage(send, name, tag, image);
          // The tag moves away from an image that has no other: garbage.
          if (attempt % 4 === 0) await pushImage(send, name, "latest", makeImage([common, randomBytes(100)]));
        } catch (error) {
          if (!alive) return;
          if (!full || !/507/.test(String(error))) throw error;
          met.refusedWhenFull += 1;
          // It pushes on when there is room again.
          limit("unlimited");
          continue;
        }
        const blobs = [image.config, ...image.layers].map(sha256);
        acknowledged.push({ name, tag, manifest: image.manifest, blobs });
        if (acknowledged.length >= wanted) enough.resolve();
      }
    };
    const enough = Promise.withResolvers<void>();
    const pushes = Promise.all([pushOne(), pushOne(), pushOne(), pushOne()]);
    pushes.catch(enough.reject);
    if (full) limit("0");
    if (kill % 10 === 6) {
      const { code, stderr } = await refusedRegistry(dataDir);
      expect([code, stderr]).toEqual([1, expect.stringContaining("in use")]);
      met.refusedSecond += 1;
    }
    await enough.promise;
    // Somewhere in the midst of the next pushes.
    for (let requests = randomInt(0, 6); requests > 0; requests -= 1) await send("GET", "/v2/");
    alive = false;
    await registry.stop("SIGKILL");
    met.kills += 1;
    await pushes;
  }

  for (let kill = 0; kill < kills; kill += 1) await life(kill);

  const registry = await spawnRegistry(dataDir, [], script);
  const send = to(registry.url);
  const lost: string[] = [];
  for (const { name, tag, manifest, blobs } of acknowledged) {
    const got = await send("GET", `/v2/${name}/manifests/${tag}`);
    if (got.body.toString() !== manifest) lost.push(`${name}:${tag} ${got.status}`);
    for (const digest of blobs) {
      const blob = await send("GET", `/v2/${name}/blobs/${digest}`);
      if (sha256(blob.body) !== digest) lost.push(`${name}@${digest} ${blob.status} ${blob.body.length}`);
    }
  }
  for (const name of names) {
    const { tags } = JSON.parse((await send("GET", `/v2/${name}/tags/list`)).body.toString()) as { tags: string[] };
    const listed = new Set(tags);
    for (const each of acknowledged) if (each.name === name && !listed.has(each.tag)) lost.push(`${name}:${each.tag}`);
  }
  expect(lost).toEqual([]);
  expect(await registry.stop("SIGTERM")).toBe(0);

  const problems: Problem[] = [];
  const store = await openOffline(dataDir);
  const { blobs } = await store.verify({ report: (problem) => problems.push(problem) });
  const garbage = await store.collect({ policy: { untaggedMs: 0, keepLast: 0 }, dryRun: true });
  await store.close();
  console.log(`${acknowledged.length} images were acknowledged, ${blobs} blobs read`, met, "garbage left", garbage);
  expect(problems).toEqual([]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(images);
  expect(met).toEqual({ kills, refusedSecond: expect.any(Number), refusedWhenFull: expect.any(Number) });
  // Most of what the moved tags left has been collected meanwhile.
  expect(garbage.images).toBeLessThan(acknowledged.length / 8);
});
