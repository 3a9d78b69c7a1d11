import { createHash } from "node:crypto";
import { link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { filesIn, pushImage, startRegistry, temporaryFolder } from "./support.ts";

const scope = "repository:a:pull,push,delete repository:b:pull,push,delete";
/** Far more than the calls that one request makes at once, and few enough for a test. */
const many = 3_000;

/** The most calls of the file system that wait for a thread, looked at again and again while work runs. */
async function mostCalls(work: () => Promise<unknown>): Promise<number> {
  let [most, done] = [0, false];
  const ended = work().finally(() => {
    done = true;
  });
  while (!done) {
    const waiting = process
      .getActiveResourcesInfo()
      .filter((name) => name === "FSReqPromise" || name === "FSReqCallback");
    most = Math.max(most, waiting.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  return most;
}

/** A folder with many links to one file, as blobs of these digests are. */
async function linksIn(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(await temporaryFolder(), "one");
  await writeFile(file, "x");
  for (let i = 0; i < many; i += 1) await link(file, join(folder, createHash("sha256").update(`${i}`).digest("hex")));
}

it("deleting a repository of many blobs queues few calls at once, so that readers do not wait", async () => {
  const client = await startRegistry();
  const send = client.as(scope);
  await pushImage(send, "a", "1");
  await pushImage(send, "b", "1");
  await linksIn(join(client.dataDir, "repositories/a/_/blobs/sha256"));
  const most = await mostCalls(async () => {
    expect((await send("DELETE", "/v2/a/_alien/repository")).status).toBe(202);
    await client.running.registry.sweep();
  });
  expect(most).toBeLessThan(20);
  expect(await filesIn(join(client.dataDir, "trash"))).toEqual([]);
  expect((await send("GET", "/v2/b/manifests/1")).status).toBe(200);
});

it("a start with many uploads that the last registry left queues few calls at once", async () => {
  const dataDir = await temporaryFolder();
  await linksIn(join(dataDir, "uploads"));
  const most = await mostCalls(() => startRegistry({ dataDir }));
  expect(most).toBeLessThan(20);
  expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
});

it("the end of many uploads at once queues few calls at once", async () => {
  const client = await startRegistry({ uploadLimits: { ofHolder: many, ofAll: many } });
  const send = client.as(scope);
  for (let i = 0; i < 500; i += 1) expect((await send("POST", "/v2/a/blobs/uploads/")).status).toBe(202);
  const most = await mostCalls(() => client.running.close());
  expect(most).toBeLessThan(20);
});
