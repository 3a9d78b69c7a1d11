import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import {
  filesIn,
  json,
  makeImage,
  pushBlob,
  pushImage,
  putManifest,
  startRegistry,
  temporaryFolder,
} from "./support.ts";

// A small file system of its own. On a developer's machine this may need rights that are missing; in CI it must work.
async function smallDisk(): Promise<string | undefined> {
  const folder = await temporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    if (process.env.CI) throw error;
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", ["-l", folder]));
  return folder;
}

it("a full disk is 507, leaves nothing half, and the registry goes on", async ({ skip }) => {
  const dataDir = await smallDisk();
  if (dataDir === undefined) return skip("a file system can be mounted by root only");
  const client = await startRegistry({ dataDir });
  const send = client.as("repository:a:pull,push,delete");
  const image = await pushImage(send, "a", "1");

  const big = randomBytes(16 * 1024 * 1024);
  const refused = await pushBlob(send, "a", big);
  expect([refused.status, refused.code]).toEqual([507, "DISK_FULL"]);
  expect(json<{ errors: { message: string }[] }>(refused).errors[0]?.message).toContain("disk is full");
  const upload = (await send("POST", "/v2/a/blobs/uploads/")).headers.location ?? "";
  expect((await send("PATCH", upload, { body: big })).status).toBe(507);
  expect((await send("GET", upload)).code).toBe("BLOB_UPLOAD_UNKNOWN");
  expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);

  // What was there is there, and what fits still fits.
  expect((await send("GET", "/v2/a/manifests/1")).body.toString()).toBe(image.manifest);
  const filler = randomBytes(7 * 1024 * 1024);
  expect((await pushBlob(send, "a", filler)).status).toBe(201);
  const next = makeImage([]);
  expect((await pushBlob(send, "a", next.config)).status).toBe(201);
  const huge = JSON.stringify({ ...JSON.parse(next.manifest), annotations: { a: "x".repeat(3 * 1024 * 1024) } });
  expect((await putManifest(send, "a", "2", huge)).status).toBe(507);
  expect((await send("GET", "/v2/a/manifests/2")).status).toBe(404);
  expect(json(await send("GET", "/v2/a/tags/list")).tags).toEqual(["1"]);
  expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
  expect((await putManifest(send, "a", "2", next.manifest)).status).toBe(201);
});
