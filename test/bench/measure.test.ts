import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesOf } from "../docs/pages.ts";
import { readImports, type SourceFile, shipped, sizesOf } from "../support/imports.ts";

const root = join(import.meta.dirname, "../..");

test("every shipped file is read, with all of its lines", async () => {
  const files = await readImports();
  const patterns = shipped.map((each) => (each.endsWith(".ts") ? each : `${each}/**/*.ts`));
  expect(files.map(({ path }) => path)).toEqual(await filesOf(patterns));
  for (const { path, lines } of files) {
    expect([path, lines]).toEqual([path, (await readFile(join(root, path), "utf8")).match(/\n/g)?.length]);
  }
}, 300_000);

test("who imports a file is known from both ends, types and lazy imports included", async () => {
  const files = await readImports();
  const imports = files.flatMap(({ path, imports }) => imports.map((imported) => `${path} -> ${imported.path}`));
  const importers = files.flatMap(({ path, importers }) => importers.map((importer) => `${importer} -> ${path}`));
  expect(imports.sort()).toEqual(importers.sort());
  const platforms = files.find(({ path }) => path === "platforms.ts");
  expect(platforms?.imports).toEqual(
    expect.arrayContaining([
      { path: "functions/local/index.ts", atOnce: false },
      { path: "core/platform.ts", atOnce: false },
    ]),
  );
  const local = files.find(({ path }) => path === "functions/local/index.ts");
  expect(local?.imports).toContainEqual({ path: "functions/local/platform.ts", atOnce: true });
}, 300_000);

test("sizes are counted", () => {
  const file = (lines: number, importers: string[] = [], inCycle = false): SourceFile => {
    return { path: `${lines}.ts`, lines, imports: [], importers, inCycle };
  };
  expect(sizesOf([file(301, ["a"]), file(30, ["a"]), file(31, ["a"], true), file(300, ["a", "b"]), file(1)])).toEqual({
    files: 5,
    lines: 663,
    median: 31,
    small: 2,
    oneImporter: 3,
    smallWithOneImporter: 1,
    large: 1,
    inCycles: 1,
  });
  expect(sizesOf([])).toMatchObject({ files: 0, lines: 0, median: 0 });
});
