import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startFake } from "../support/server.ts";
import { alien } from "./support/run.ts";

/** Every module that a command loads. */
async function loadedBy(args: readonly string[], env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "start-up-"));
  try {
    const hook = join(folder, "hook.mjs");
    await writeFile(
      hook,
      `import { registerHooks } from "node:module";
       import { writeFileSync } from "node:fs";
       const loaded = [];
       registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
       process.on("exit", () => writeFileSync(${JSON.stringify(join(folder, "loaded"))}, JSON.stringify(loaded)));`,
    );
    const { code } = await alien(args, env, ["--import", hook]);
    const loaded = JSON.parse(await readFile(join(folder, "loaded"), "utf8")) as string[];
    const packages = loaded.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    return {
      code,
      packages: [...new Set(packages)].sort(),
      rules: loaded.some((url) => url.endsWith("/client/cli/rules-check.ts")),
      platforms: loaded.filter((url) => /\/(functions|oci|platforms)[/.]/.test(url)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it("the help loads the parser and the schemas, and nothing of a cloud", async () => {
  expect(await loadedBy(["--help"])).toEqual({
    code: 0,
    packages: ["commander", "valibot"],
    rules: false,
    platforms: [],
  });
});

it("so does a call with a bearer token", async () => {
  const fake = await startFake({
    body: { name: "images/x", uri: "127.0.0.1:1/images/x", createdAt: "2026-11-21T10:03:25.590Z" },
  });
  const args = ["get", "x", "--registry", "images", "--url", fake.url, "--platform", "local"];
  expect(await loadedBy(args, { ALIEN_CALLER_TOKEN: "token-of-the-caller" })).toEqual({
    code: 0,
    packages: ["commander", "valibot"],
    rules: false,
    platforms: [],
  });
});

it("an adapter in this process loads its own platform alone", async () => {
  const ALIEN_IMAGES_BINDING = '{"service":"local","registryUrl":"http://127.0.0.1:1","dataDir":"/nonexistent"}';
  const { platforms, packages } = await loadedBy(["get", "x", "--direct", "--timeout", "1"], { ALIEN_IMAGES_BINDING });
  expect(platforms.filter((url) => /\/functions\/(?!local\/)/.test(url))).toEqual([]);
  expect(platforms.length).toBeGreaterThan(0);
  expect(packages).toEqual(["commander", "valibot"]);
});
