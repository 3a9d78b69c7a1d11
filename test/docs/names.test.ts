import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesOf, readPages, root } from "./pages.ts";

const pages = await readPages();
/** Not one that a page goes on with: `ALIEN_{NAME}_BINDING`, `ALIEN_…`. */
const variable = /\bALIEN_[A-Z0-9_]*[A-Z0-9]\b(?![_{*…])/g;
const sources = "{client,core,functions,infra,scripts}/**/*.{ts,tf,yaml,tpl}";

/** Every `ALIEN_…` that code or infrastructure reads or sets. */
const variables = (async () => {
  const paths = await filesOf(sources);
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), "utf8")));
  return new Set(texts.flatMap((text) => text.match(variable) ?? []));
})();

describe.each(pages.map((page) => [page.path, page] as const))("what %s names is there", (_path, { path, text }) => {
  const prose = text.replace(/^( *)```[\s\S]*?^ *```$/gm, "");

  it("files behind relative links", () => {
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target.split("#")[0] ?? "");
    const relative = targets.filter((target) => target !== "" && !/^[a-z]+:/.test(target));
    expect(relative.filter((target) => !existsSync(join(root, path, "..", target)))).toEqual([]);
  });

  it("scripts of npm", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
    const named = [...text.matchAll(/\bnpm run (?:-s )?([a-z][a-z0-9:-]*)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it("variables", async () => {
    const named = new Set([...text.matchAll(variable)].map(([name]) => name));
    const read = await variables;
    expect([...named].filter((name) => !name.endsWith("_BINDING") && !read.has(name))).toEqual([]);
  });
});
