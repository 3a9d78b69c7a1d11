import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pushImage, sha256, startRegistry } from "../../oci/support.ts";
import { alienHere } from "./support/run.ts";

const scope = "repository:a:pull,push,delete";

it("verify names what is damaged and who needs it, and ends with 1 while an image is not whole", async () => {
  const client = await startRegistry();
  const image = await pushImage(client.as(scope), "a", "1.0");
  const folder = ["--data-dir", client.dataDir];
  expect(await alienHere(["verify", ...folder])).toMatchObject({
    code: 6,
    stdout: "",
    stderr: expect.stringMatching(/^error: The data folder is in use .*\n?hint: {2}A server does this by itself/s),
  });
  await client.running.close();

  const bytes = image.config.length + 2000;
  expect(await alienHere(["verify"], { DATA_DIR: client.dataDir })).toMatchObject({
    code: 0,
    stdout: `Read 2 blobs (${bytes} bytes) of 1 repositories: all is whole.\n`,
  });
  const digest = sha256(image.config);
  await truncate(join(client.dataDir, "repositories/a/_/blobs/sha256", digest.slice(7)), 3);
  expect(await alienHere(["verify", ...folder])).toMatchObject({
    code: 1,
    stdout: `quarantined a@${digest}, needed by a:1.0\nRead 2 blobs (2003 bytes) of 1 repositories: 1 problems.\n`,
  });
  const { code, stdout } = await alienHere(["verify", ...folder, "--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    problems: [{ kind: "missing", digest, neededBy: [{ manifest: image.digest, tags: ["1.0"] }] }],
  });
});

it("verify makes no folder", async () => {
  expect(await alienHere(["verify", "--data-dir", "/nonexistent/data"])).toMatchObject({ code: 5, stdout: "" });
});

it("collect says what it would remove, and removes it", async () => {
  const client = await startRegistry();
  const old = await pushImage(client.as(scope), "a", "latest");
  await pushImage(client.as(scope), "a", "latest");
  await client.running.close();
  const image = `image a@${old.digest}`;
  const env = { DATA_DIR: client.dataDir, COLLECT_KEEP_LAST: "0" };
  expect(await alienHere(["collect"], env)).toMatchObject({
    code: 0,
    stdout: "Removed 0 images and 0 blobs, 0 bytes.\n",
  });
  const options = ["--untagged-days", "0", "--keep-last", "0", "--data-dir", client.dataDir];
  expect(await alienHere(["collect", "--dry-run", ...options])).toMatchObject({
    code: 0,
    // Its blobs are young: a push may need them.
    stdout: expect.stringMatching(
      new RegExp(`^would remove ${image}\nWould remove 1 images and 0 blobs, \\d+ bytes.\n$`),
    ),
  });
  const { stdout } = await alienHere(["collect", "--json", ...options]);
  expect(JSON.parse(stdout)).toMatchObject({ images: 1, blobs: 0, removed: [{ kind: "image", digest: old.digest }] });
  expect(await alienHere(["collect", "--keep-last", "many"])).toMatchObject({ code: 2, stdout: "" });
});
