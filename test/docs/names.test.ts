import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorOf } from "../../scripts/docs-search.ts";
import { filesOf, readPages, root } from "./pages.ts";

const pages = await readPages();
const code = /^( *)```[\s\S]*?^ *```$/gm;
/** Not one that a page goes on with: `ALIEN_{NAME}_BINDING`, `ALIEN_…`. */
const variable = /\bALIEN_[A-Z0-9_]*[A-Z0-9]\b(?![_{*…])/g;
const sources = "{client,core,functions,infra,scripts}/**/*.{ts,tf,yaml,tpl}";

/** What there was once: named only where it is told how to do without. */
const gone = { page: "docs/moving.md", names: ["ALIEN_PLATFORM_AUTHENTICATION"] };

/** Every `ALIEN_…` that code or infrastructure reads or sets. */
const variables = (async () => {
  const paths = await filesOf(sources);
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), "utf8")));
  return new Set(texts.flatMap((text) => text.match(variable) ?? []));
})();

describe.each(pages.map((page) => [page.path, page] as const))("what %s names is there", (_path, { path, text }) => {
  const prose = text.replace(code, "");

  it("files behind relative links, and the headings in them", () => {
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const relative = targets.filter((target) => !/^[a-z]+:/.test(target));
    expect(relative.filter((target) => !leadsSomewhere(path, target))).toEqual([]);
  });

  it("programs that a command starts", () => {
    const programs = [...text.matchAll(/\b(?:node|bash) ((?:[a-z.-]+\/)+[a-z.-]+\.(?:ts|sh|mjs))\b/g)].map(
      ([, file = ""]) => file,
    );
    expect(programs.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it("scripts of npm", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
    const named = [...text.matchAll(/\bnpm run (?:-s )?([a-z][a-z0-9:-]*)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it("variables", async () => {
    const named = new Set([...text.matchAll(variable)].map(([name]) => name));
    const read = await variables;
    const unknown = [...named].filter((name) => !name.endsWith("_BINDING") && !read.has(name));
    expect(unknown).toEqual(path === gone.page ? gone.names : []);
  });
});

it("the index names every page", async () => {
  const index = pages.find(({ path }) => path === "docs/README.md")?.text ?? "";
  const others = pages
    .map(({ path }) => path)
    .filter((path) => /^docs\/[^/]+$/.test(path) && path !== "docs/README.md");
  expect(others.filter((path) => !index.includes(`](${path.slice("docs/".length)})`))).toEqual([]);
});

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : posix.join(posix.dirname(from), file);
  if (anchor === undefined) return existsSync(join(root, path));
  const page = pages.find((each) => each.path === path);
  return page !== undefined && headings(page.text).includes(anchor);
}

function headings(text: string): string[] {
  const titles = [...text.replace(code, "").matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
  return titles.map(anchorOf);
}
