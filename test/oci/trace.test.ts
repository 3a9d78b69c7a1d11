import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { spawnRegistry } from "./process.ts";
import { ask, makeImage, pushBlob, putManifest, type Send, sha256, temporaryFolder } from "./support.ts";

const CALLS = "trace=openat,fsync,fdatasync,rename,renameat,renameat2,link,linkat,write,writev,sendto";

it("before the 201 leaves, the file, its name and its folder are on disk, in this order", async ({ skip }) => {
  if (spawnSync("strace", ["-V"]).status !== 0) {
    if (process.env.CI) throw new Error("strace is required in CI.");
    return skip("strace is not installed");
  }
  const dataDir = await temporaryFolder();
  const log = join(await temporaryFolder(), "trace");
  const registry = await spawnRegistry(dataDir, ["strace", "-D", "-f", "-y", "-s", "64", "-e", CALLS, "-o", log]);
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const access = [{ type: "repository", name: "a", actions: ["pull", "push"] }] as const;
  const expiresAt = new Date(Date.now() + 3_600_000);
  const bearer = `Bearer ${mintToken(key, { subject: "test", access, audience: "registry", expiresAt })}`;
  const send: Send = (method, path, options = {}) =>
    ask(method, `${registry.url}${path}`, { ...options, headers: { Authorization: bearer, ...options.headers } });

  const image = makeImage([randomBytes(100_000)]);
  for (const blob of [image.config, ...image.layers]) expect((await pushBlob(send, "a", blob)).status).toBe(201);
  expect((await putManifest(send, "a", "1.0", image.manifest)).status).toBe(201);
  await registry.stop("SIGTERM");

  const lines = completed(await readFile(log, "utf8"));
  const answers = lines.flatMap((line, i) => (line.includes("HTTP/1.1 201 Created") ? [i] : []));
  expect(answers).toHaveLength(3);
  const [, layer = 0, manifest = 0] = answers;
  const hex = sha256(image.layers[0] ?? "").slice("sha256:".length);
  expectOrder(lines.slice(0, layer), [
    /f(data)?sync\(.*\/uploads\/[^/>]+>\)/,
    new RegExp(`(rename|link).*"[^"]*/a/_/blobs/sha256/${hex}"`),
    /fsync\(.*\/a\/_\/blobs\/sha256>\)/,
  ]);
  expectOrder(lines.slice(layer, manifest), [
    /fsync\(.*\/uploads\/[^/>]+>\)/,
    /rename.*"[^"]*\/a\/_\/manifests\/sha256\/[0-9a-f]+"/,
    /fsync\(.*\/a\/_\/manifests\/sha256>\)/,
    /fsync\(.*\/uploads\/[^/>]+>\)/,
    /rename.*"[^"]*\/a\/_\/tags\/1\.0"/,
    /fsync\(.*\/a\/_\/tags>\)/,
  ]);
  // The folders on the way are made durable too, each in its parent.
  for (const folder of ["repositories", "repositories/a", "repositories/a/_", "repositories/a/_/blobs"]) {
    expect(
      lines.slice(0, layer).some((line) => /fsync\(/.test(line) && line.includes(`${dataDir}/${folder}>`)),
      folder,
    ).toBe(true);
  }
});

/** Each call on one line, at the moment when it returned: a 201 counts from when it began to leave. */
function completed(trace: string): string[] {
  const begun = new Map<string, string>();
  return trace.split("\n").flatMap((line) => {
    const [, pid = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      const start = rest.slice(0, -"<unfinished ...>".length);
      begun.set(pid, start);
      return start.includes("HTTP/1.1") ? [start] : [];
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    if (resumed === undefined) return [rest];
    const start = begun.get(pid) ?? "";
    return start.includes("HTTP/1.1") ? [] : [`${start.trimEnd()}${resumed}`];
  });
}

function expectOrder(lines: readonly string[], patterns: readonly RegExp[]): void {
  let from = 0;
  for (const pattern of patterns) {
    const at = lines.findIndex((line, i) => i >= from && pattern.test(line));
    expect(at, `${pattern} after line ${from} of\n${lines.join("\n")}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}
