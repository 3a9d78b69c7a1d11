import { afterAll, beforeAll, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { createClient, pushImage, repositoryMarker } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { openSuite } from "../../support/suite.ts";
import { type Login, mountAccounts } from "../support/files.ts";
import { startZot } from "../support/zot.ts";

const owner: Login = { username: "suite", password: "password of suite" };
let zot: Awaited<ReturnType<typeof startZot>>;
let accounts: Awaited<ReturnType<typeof mountAccounts<"account">>>;
beforeAll(async () => {
  const folders = [{ folder: "images", readers: [], writers: [], owners: [owner.username] }];
  zot = await startZot({ auth: { users: [owner], folders }, collectAfter: "1s" });
  accounts = await mountAccounts({ account: owner });
});
afterAll(async () => {
  await zot?.stop();
  await accounts?.remove();
});

test("zot collects a manifest without a tag, and keeps a repository that was created", async () => {
  const binding = { service: "external", registryUrl: zot.url, repositoryPrefix: "images", ...accounts.files };
  const suite = openSuite(platform, { ALIEN_IMAGES_BINDING: JSON.stringify(binding) });
  const client = createClient({ url: zot.url, credentials: owner });
  expect((await suite.ask("createRepository", { name: "kept" })).status).toBe(200);
  const waste = buildImage({ seed: "waste" });
  await pushImage(client, "images/kept", waste.manifest.digest, waste);
  await expect.poll(() => client.headManifest("images/kept", waste.manifest.digest)).toBeUndefined();

  // As earlier versions marked a repository.
  const { config, manifest } = repositoryMarker;
  await client.pushBlob("images/lost", { digest: config.digest, body: config.bytes });
  await client.pushManifest("images/lost", manifest.digest, manifest);
  await expect.poll(async () => (await suite.ask("getRepository", { repoId: "images/lost" })).status).toBe(404);
  expect((await suite.ask("getRepository", { repoId: "images/kept" })).status).toBe(200);
});

test("an image with several tags and its layers go with the repository", async () => {
  const binding = { service: "external", registryUrl: zot.url, repositoryPrefix: "images", ...accounts.files };
  const suite = openSuite(platform, { ALIEN_IMAGES_BINDING: JSON.stringify(binding) });
  const client = createClient({ url: zot.url, credentials: owner });
  const image = buildImage({ seed: "tagged twice" });
  for (const tag of ["1.0", "latest"]) await pushImage(client, "images/twice", tag, image);
  expect((await suite.ask("deleteRepository", { repoId: "images/twice" })).status).toBe(200);
  for (const digest of image.blobs.keys()) expect(await client.headBlob("images/twice", digest)).toBeUndefined();
  expect((await suite.ask("getRepository", { repoId: "images/twice" })).status).toBe(404);
});
