import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient, digestOf, type OciClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { type ServeOptions, serveRegistry } from "../../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../../oci/token/index.ts";
import { buildImage, buildIndex, descriptorOf, seededBytes } from "./images.ts";

/** A registry of its own for one test, and clients of it. */
async function registry(options: Partial<ServeOptions> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), "oci-client-"));
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const running = await serveRegistry({ dataDir, key, host: "127.0.0.1", port: 0, ...options });
  onTestFinished(async () => {
    await running.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  /** A client whose token holds what `repositories` names, for `seconds`. */
  return (repositories: Record<string, readonly string[]>, seconds = 3_600): OciClient => {
    const access = Object.entries(repositories).map(([name, actions]) => ({
      type: "repository" as const,
      name,
      actions,
    }));
    const expiresAt = new Date(Date.now() + seconds * 1000);
    const password = mintToken(key, { subject: "test", access, audience: "registry", expiresAt });
    return createClient({ url: running.url, credentials: { username: "token", password } });
  };
}

const all = ["pull", "push", "delete"];

test("an image and a multi-platform image make the round trip, byte for byte", async () => {
  const client = (await registry())({ "team/app": all });
  const image = buildImage({ seed: "one", layers: [10, 300_000, 0] });
  await expect(pushImage(client, "team/app", "1.0", image)).resolves.toEqual({ digest: image.manifest.digest });
  await expect(pullImage(client, "team/app", "1.0")).resolves.toEqual(image);
  const index = buildIndex({ seed: "two", layers: [1_000, 2_000] });
  await pushImage(client, "team/app", "2.0", index);
  await expect(pullImage(client, "team/app", index.index.digest)).resolves.toEqual(index);
  await expect(client.tags("team/app", 1)).resolves.toEqual(["1.0", "2.0"]);
});

test("every way to push a blob ends in the same blob", async () => {
  const client = (await registry())({ a: all, b: all });
  const body = seededBytes("blob", 3_000_000);
  async function* stream() {
    for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
  }
  for (const blob of [
    { digest: digestOf(body), body },
    { digest: digestOf(body, "sha512"), body: stream(), size: body.byteLength },
    { digest: digestOf(body.subarray(1)), body: body.subarray(1), chunkBytes: 1_000_000 },
  ]) {
    await expect(client.pushBlob("a", blob)).resolves.toEqual({ digest: blob.digest, mounted: false });
    const pulled = await client.readBlob("a", blob.digest);
    expect(digestOf(pulled, blob.digest.startsWith("sha512") ? "sha512" : "sha256")).toBe(blob.digest);
  }
  await expect(client.mountBlob("b", { digest: digestOf(body), from: "a" })).resolves.toBe(true);
  await expect(client.headBlob("b", digestOf(body))).resolves.toEqual({ size: body.byteLength });
  await expect(client.deleteBlob("b", digestOf(body))).resolves.toBe(true);
  await expect(client.headBlob("b", digestOf(body))).resolves.toBeUndefined();
});

test("referrers are found by subject and type, and a deleted manifest is gone", async () => {
  const client = (await registry())({ a: all });
  const image = buildImage({ seed: "subject" });
  await pushImage(client, "a", "1", image);
  for (const artifactType of ["application/x.sbom", "application/x.signature"]) {
    const referrer = buildImage({ seed: artifactType, subject: descriptorOf(image), artifactType });
    await pushImage(client, "a", referrer.manifest.digest, referrer);
  }
  await expect(client.referrers("a", image.manifest.digest)).resolves.toHaveLength(2);
  await expect(client.referrers("a", image.manifest.digest, "application/x.sbom")).resolves.toMatchObject([
    { artifactType: "application/x.sbom" },
  ]);
  await expect(client.deleteManifest("a", image.manifest.digest)).resolves.toBe(true);
  await expect(client.headManifest("a", "1")).resolves.toBeUndefined();
});

test("a wrong digest is refused, and nothing is stored", async () => {
  const client = (await registry())({ a: all });
  const digest = digestOf(Buffer.from("something else"));
  const push = client.pushBlob("a", { digest, body: Buffer.from("something") });
  await expect(push).rejects.toMatchObject({ status: 400, code: "DIGEST_INVALID" });
  await expect(client.headBlob("a", digest)).resolves.toBeUndefined();
});

test("a token opens its repository, for what it says, and until it expires", async () => {
  let ahead = 0;
  const clients = await registry({ clock: () => new Date(Date.now() + ahead) });
  const image = buildImage({ seed: "x" });
  await pushImage(clients({ a: all }), "a", "1", image);
  const seconds = 1_800;
  const reader = clients({ a: ["pull"] }, seconds);
  await expect(pullImage(reader, "a", "1")).resolves.toEqual(image);
  await expect(pushImage(reader, "a", "2", buildImage({ seed: "y" }))).rejects.toMatchObject({ status: 401 });
  await expect(pullImage(reader, "b", "1")).rejects.toMatchObject({ status: 401 });
  ahead = seconds * 1_000;
  await expect(pullImage(reader, "a", "1")).rejects.toMatchObject({ status: 401 });
});
