import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { OciError, toOciError } from "../../oci/registry/respond.ts";
import { loadTokenKey, mintToken, parseScope } from "../../oci/token/index.ts";
import { spawnRegistry } from "./process.ts";
import { ask, pushBlob, pushImage, putManifest, type Send, sha256, startRegistry, temporaryFolder } from "./support.ts";

const scope = "repository:a:pull,push,delete";
// On a developer's machine nobody but root can mount; in CI it must work.
const canMount = process.getuid?.() === 0 || process.env.CI !== undefined;

/** From now on every path below this folder leads to a file system that cannot be written. */
function makeReadOnly(folder: string): void {
  execFileSync("mount", ["--bind", folder, folder]);
  onTestFinished(() => void execFileSync("umount", ["-l", folder]));
  execFileSync("mount", ["-o", "remount,bind,ro", folder]);
}

/** Requests to a registry in another process, with a token for everything that these tests do. */
async function senderTo(dataDir: string, url: string): Promise<Send> {
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const expiresAt = new Date(Date.now() + 3_600_000);
  const token = mintToken(key, { subject: "test", access: parseScope(scope), audience: "registry", expiresAt });
  return (method, path, options = {}) =>
    ask(method, `${url}${path}`, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });
}

describe.runIf(canMount)("a disk that is read-only", () => {
  it("since the registry runs: pulls go on, pushes are told why, and SIGTERM ends it with 0", async () => {
    const dataDir = await temporaryFolder();
    const registry = await spawnRegistry(dataDir);
    const send = await senderTo(dataDir, registry.url);
    const image = await pushImage(send, "a", "1");
    const begun = (await send("POST", "/v2/a/blobs/uploads/")).headers.location ?? "";
    expect((await send("PATCH", begun, { body: "half" })).status).toBe(202);
    makeReadOnly(dataDir);
    for (const [method, path, body] of [
      ["POST", `/v2/a/blobs/uploads/?digest=${sha256("new")}`, "new"],
      ["PATCH", begun, "more"],
      ["PUT", "/v2/a/manifests/2", image.manifest],
      ["DELETE", "/v2/a/manifests/1", ""],
      ["DELETE", "/v2/a/_alien/repository", ""],
    ] as const) {
      const headers = { "Content-Type": "application/vnd.oci.image.manifest.v1+json" };
      const answer = await send(method, path, { body, headers });
      expect([method, path, answer.status, answer.code]).toEqual([method, path, 503, "READ_ONLY"]);
    }
    expect((await send("GET", "/v2/a/manifests/1")).body.toString()).toBe(image.manifest);
    expect((await send("GET", `/v2/a/blobs/${sha256(image.config)}`)).body).toEqual(image.config);
    expect(await registry.stop("SIGTERM")).toBe(0);
  });

  it("when the registry starts: pulls are served, and nothing else", async () => {
    const dataDir = await temporaryFolder();
    const first = await spawnRegistry(dataDir);
    const image = await pushImage(await senderTo(dataDir, first.url), "a", "1");
    await first.stop("SIGTERM");
    makeReadOnly(dataDir);
    const registry = await spawnRegistry(dataDir);
    const send = await senderTo(dataDir, registry.url);
    expect((await send("GET", "/v2/a/manifests/1")).body.toString()).toBe(image.manifest);
    expect((await send("GET", `/v2/a/blobs/${sha256(image.config)}`)).body).toEqual(image.config);
    const refused = await send("POST", "/v2/a/blobs/uploads/");
    expect([refused.status, refused.code]).toEqual([503, "READ_ONLY"]);
    expect(await registry.stop("SIGTERM")).toBe(0);
  });
});

it("a registry that may open no more files answers 503, and goes on when it may", async () => {
  const dataDir = await temporaryFolder();
  const registry = await spawnRegistry(dataDir);
  const send = await senderTo(dataDir, registry.url);
  const image = await pushImage(send, "a", "1");
  const blob = `/v2/a/blobs/${sha256(image.config)}`;
  const pid = String(registry.child.pid);
  const limit = (files: string) => execFileSync("prlimit", ["--pid", pid, `--nofile=${files}:`]);
  // The connection stays open, so that only the disk is out of reach.
  const open = new Set(readdirSync(`/proc/${pid}/fd`));
  let free = 0;
  while (open.has(String(free))) free += 1;
  limit(String(free));
  const refused = await send("GET", blob);
  expect([refused.status, refused.code, refused.headers["retry-after"]]).toEqual([503, "TOO_MANY_FILES", "1"]);
  limit("4096");
  expect((await send("GET", blob)).body).toEqual(image.config);
});

it("a disk that cannot be read is told as such, and what is pushed again takes the place", async () => {
  const logged: string[] = [];
  const client = await startRegistry({ log: (message) => logged.push(message) });
  const send = client.as(scope);
  await pushBlob(send, "a", "content");
  const digest = sha256("content");
  const file = join(client.dataDir, "repositories/a/_/blobs/sha256", digest.slice(7));
  await rm(file);
  // Linux answers EIO to whoever reads the first page of its own memory.
  await symlink("/proc/self/mem", file);
  const refused = await send("GET", `/v2/a/blobs/${digest}`);
  expect([refused.status, refused.code]).toEqual([500, "DISK_FAULT"]);
  expect(refused.body.toString()).not.toContain(client.dataDir);
  expect(logged.join()).toContain("failed");
  expect((await pushBlob(send, "a", "content")).status).toBe(201);
  expect((await send("GET", `/v2/a/blobs/${digest}`)).body.toString()).toBe("content");
});

it.each([
  ["ENOSPC", 507, "DISK_FULL"],
  ["EDQUOT", 507, "DISK_FULL"],
  ["EROFS", 503, "READ_ONLY"],
  ["EMFILE", 503, "TOO_MANY_FILES"],
  ["ENFILE", 503, "TOO_MANY_FILES"],
  ["EIO", 500, "DISK_FAULT"],
  ["EACCES", 500, "DISK_FAULT"],
  ["EUCLEAN", 500, "DISK_FAULT"],
  ["EWHATEVER", 500, "UNKNOWN"],
])("%s is %i %s", (errno, status, code) => {
  const error = toOciError(Object.assign(new Error(`${errno}: /data/secret`), { code: errno }));
  expect(error).toBeInstanceOf(OciError);
  expect([error.status, error.code]).toEqual([status, code]);
  expect(error.message).not.toContain("secret");
});

it("a clock that jumps drops no upload", async () => {
  let jumped = 0;
  const client = await startRegistry({ clock: () => new Date(Date.now() + jumped), uploadIdleMs: 3_600_000 });
  const token = client.token(scope, { expiresAt: new Date(Date.now() + 30 * 24 * 3_600_000) });
  const headers = { Authorization: `Bearer ${token}` };
  const at = (method: string, path: string, body = "") => ask(method, `${client.url}${path}`, { headers, body });
  const upload = (await at("POST", "/v2/a/blobs/uploads/")).headers.location ?? "";
  expect((await at("PATCH", upload, "half")).status).toBe(202);
  for (jumped of [2 * 3_600_000, -2 * 3_600_000, 20 * 24 * 3_600_000]) {
    expect((await client.running.registry.sweep()).uploads).toBe(0);
  }
  expect((await at("PUT", `${upload}?digest=${sha256("half")}`)).status).toBe(201);
});

describe("If-None-Match", () => {
  it.each(["GET", "HEAD"])("is answered with 304 and no body where nothing has changed: %s", async (method) => {
    const client = await startRegistry();
    const send = client.as(scope);
    const image = await pushImage(send, "a", "1");
    for (const [path, digest] of [
      ["/v2/a/manifests/1", image.digest],
      [`/v2/a/manifests/${image.digest}`, image.digest],
      [`/v2/a/blobs/${sha256(image.config)}`, sha256(image.config)],
    ]) {
      for (const tag of [`"${digest}"`, `W/"${digest}"`, `"other", "${digest}"`, "*"]) {
        const answer = await send(method, path ?? "", { headers: { "If-None-Match": tag, Range: "bytes=0-1" } });
        expect([answer.status, answer.body.length, answer.headers.etag]).toEqual([304, 0, `"${digest}"`]);
        expect(answer.headers["docker-content-digest"]).toBe(digest);
      }
      const other = await send(method, path ?? "", { headers: { "If-None-Match": `"${sha256("other")}"` } });
      expect(other.status).toBe(200);
    }
    await putManifest(send, "a", "1", image.manifest.replace("{", "{ "));
    expect(
      (await send(method, "/v2/a/manifests/1", { headers: { "If-None-Match": `"${image.digest}"` } })).status,
    ).toBe(200);
    expect((await send(method, "/v2/a/manifests/none", { headers: { "If-None-Match": "*" } })).status).toBe(404);
  });
});
