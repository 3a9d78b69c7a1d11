import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Block } from "./blocks.ts";
import { checkForm } from "./forms.ts";
import { checkTypes, languages } from "./languages.ts";
import { readPages, root } from "./pages.ts";

const pages = await readPages();
const blocks = pages.flatMap((page) => page.blocks);

it("finds the pages and their blocks", () => {
  expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(["README.md", "docs/README.md", "docs/aws.md"]));
  expect(blocks.length).toBeGreaterThan(20);
});

describe.each(blocks.map((block) => [`${block.page}:${block.line}`, block] as const))(
  "the block %s",
  (_where, block) => {
    it("is of a known language and holds", async () => {
      expect(Object.keys(languages)).toContain(block.language);
      await languages[block.language]?.(block);
    });

    it("is executed, or says what it needs", () => check(block));
  },
);

async function check({ language, mark, text, page }: Block): Promise<void> {
  if (language === "text") return;
  switch (mark?.kind) {
    case "run":
      expect(["sh", "console", "ts"]).toContain(language);
      return;
    case "needs":
      expect(mark.what.length).toBeGreaterThan(3);
      return;
    case "form":
      expect(["json", "yaml"]).toContain(language);
      await checkForm(mark.form, text);
      return;
    case "tested-by":
      expect(await readFile(join(root, mark.path), "utf8")).toContain(page);
      return;
    case undefined:
      throw new Error("No comment above it tells how it is tested: see docs/README.md.");
  }
}

it("the TypeScript type-checks", () => checkTypes(blocks.filter(({ language }) => language === "ts")), 120_000);
