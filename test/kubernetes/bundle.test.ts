import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { buildBundle } from "../support/bundle.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "dist/kubernetes");
beforeAll(() => {
  buildBundle("kubernetes");
});

const modules = () => {
  const { inputs }: Metafile = JSON.parse(readFileSync(join(root, "dist/kubernetes-maps/meta.json"), "utf8"));
  return Object.keys(inputs);
};

test("the image's folder holds two programs, what they share, and notices", () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const others = files.filter((name) => !/^chunks(\/[\w-]+\.js(\.LEGAL\.txt)?)?$/.test(name));
  expect(others.filter((name) => !name.endsWith(".LEGAL.txt")).sort()).toEqual([
    "package.json",
    "refresh.js",
    "server.js",
  ]);
});

test("it holds no cloud's code, no test, and nothing of the machine that built it", () => {
  const foreign =
    /^(?:test|client|oci\/registry|functions\/(?!kubernetes\/))|node_modules\/(?:@aws|@smithy|@google-cloud|google-|@grpc|@azure|@middy)/;
  expect(modules().filter((module) => foreign.test(module))).toEqual([]);
  // The looking looks: what it does need is there.
  expect(modules()).toEqual(expect.arrayContaining(["functions/kubernetes/external/adapter.ts", "core/oidc.ts"]));
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".js")) expect(readFileSync(join(folder, name), "utf8")).not.toContain(process.cwd());
  }
});

test.each(["server.js", "refresh.js"])("%s starts from the folder alone, and says what it lacks", (name) => {
  let said = "";
  try {
    execFileSync(process.execPath, [join(folder, name)], { env: {}, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    said = String((error as { stderr: Buffer }).stderr);
  }
  expect(JSON.parse(said)).toMatchObject({ level: "error", message: expect.stringMatching(/ALIEN_|PULL_SECRET_/) });
});
