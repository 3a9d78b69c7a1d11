import { randomBytes } from "node:crypto";
import { rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openOffline, type Problem } from "../../oci/registry/index.ts";
import { type Client, filesIn, makeImage, pushImage, sha256, startRegistry } from "./support.ts";

const scope = "repository:a:pull,push,delete repository:b:pull,push,delete";
const hexOf = (digest: string) => digest.slice("sha256:".length);
const own = ({ dataDir }: Client, name: string, path: string) => join(dataDir, "repositories", name, "_", path);

/** Reads everything as often as is asked, and returns the problems. */
async function problemsOf(client: Client): Promise<Problem[]> {
  const problems: Problem[] = [];
  await client.running.registry.verify((problem) => problems.push(problem));
  return problems;
}

it("reads every blob once, and finds nothing where all is whole", async () => {
  const client = await startRegistry();
  const image = await pushImage(client.as(scope), "a", "1");
  await pushImage(client.as(scope), "b", "1", image);
  const problems: Problem[] = [];
  expect(await client.running.registry.verify((problem) => problems.push(problem))).toEqual({
    repositories: 2,
    blobs: 2,
    bytes: image.config.length + 2000,
    problems: 0,
  });
  expect(problems).toEqual([]);
});

it("sets aside what is damaged in every repository that has it, and names the images that need it", async () => {
  const client = await startRegistry();
  const layer = randomBytes(5_000);
  const digest = sha256(layer);
  const [one, two] = [makeImage([layer]), makeImage([layer, randomBytes(10)])];
  await pushImage(client.as(scope), "a", "1.0", one);
  await pushImage(client.as(scope), "a", "latest", one);
  await pushImage(client.as(scope), "b", two.digest, two);
  // The length stays: nobody sees it before somebody reads.
  await writeFile(own(client, "a", `blobs/sha256/${hexOf(digest)}`), randomBytes(5_000), { flag: "r+" });

  expect(await problemsOf(client)).toEqual([
    { kind: "quarantined", repository: "a", digest, neededBy: [{ manifest: one.digest, tags: ["1.0", "latest"] }] },
    { kind: "quarantined", repository: "b", digest, neededBy: [{ manifest: two.digest, tags: [] }] },
  ]);
  expect(await filesIn(join(client.dataDir, "quarantine"))).toEqual([`sha256-${hexOf(digest)}`]);
  expect((await client.as(scope)("HEAD", `/v2/a/blobs/${digest}`)).status).toBe(404);
  // It stays to be told until the images are whole again.
  expect((await problemsOf(client)).map(({ kind, repository }) => `${kind} ${repository}`)).toEqual([
    "missing a",
    "missing b",
  ]);
  await pushImage(client.as(scope), "a", "1.0", one);
  await pushImage(client.as(scope), "b", two.digest, two);
  expect(await problemsOf(client)).toEqual([]);
});

it("brings a blob back where another copy is whole, and names a damaged manifest", async () => {
  const client = await startRegistry();
  const image = await pushImage(client.as(scope), "a", "1");
  const [layer = Buffer.alloc(0)] = image.layers;
  await rm(own(client, "a", `blobs/sha256/${hexOf(sha256(layer))}`));
  await writeFile(own(client, "a", `blobs/sha256/${hexOf(sha256(layer))}`), randomBytes(layer.length));
  const needed = [{ manifest: image.digest, tags: ["1"] }];
  expect(await problemsOf(client)).toEqual([
    { kind: "restored", repository: "a", digest: sha256(layer), neededBy: needed },
  ]);
  expect((await client.as(scope)("GET", `/v2/a/blobs/${sha256(layer)}`)).body).toEqual(layer);

  await truncate(own(client, "a", `manifests/sha256/${hexOf(image.digest)}`), 60);
  expect(await problemsOf(client)).toEqual([
    { kind: "damaged", repository: "a", digest: image.digest, neededBy: needed },
  ]);
});

it("is done by the server itself, again and again, and ends with it", async () => {
  const logged: string[] = [];
  const client = await startRegistry({
    verify: { everyMs: 1, bytesPerSecond: 1024 ** 3 },
    log: (message) => logged.push(message),
  });
  const image = await pushImage(client.as(scope), "a", "1");
  const [layer = Buffer.alloc(0)] = image.layers;
  await writeFile(own(client, "a", `blobs/sha256/${hexOf(sha256(layer))}`), randomBytes(layer.length), { flag: "r+" });
  await expect.poll(() => logged).toContain(`a@${sha256(layer)} is quarantined; needed by 1`);
  // A pass that would take days does not hold the end up.
  await client.running.close();
  const slow = await startRegistry({ dataDir: client.dataDir, verify: { everyMs: 1, bytesPerSecond: 0.001 } });
  await slow.running.close();
});

it("can be done without a registry, and not beside one", async () => {
  const client = await startRegistry();
  const image = await pushImage(client.as(scope), "a", "1");
  await expect(openOffline(client.dataDir)).rejects.toMatchObject({ code: "IN_USE" });
  await client.running.close();
  await truncate(own(client, "a", `blobs/sha256/${hexOf(sha256(image.config))}`), 3);
  const store = await openOffline(client.dataDir);
  const problems: Problem[] = [];
  await store.verify({ report: (problem) => problems.push(problem) });
  await store.close();
  expect(problems.map(({ kind, digest }) => [kind, digest])).toEqual([["quarantined", sha256(image.config)]]);
});
