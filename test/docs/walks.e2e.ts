import { expect, it } from "vitest";
import { readPages } from "./pages.ts";
import { walk } from "./walk.ts";

const pages = (await readPages()).filter(({ blocks }) => blocks.some(({ mark }) => mark?.kind === "run"));

it("there are pages to follow", () => {
  expect(pages.map(({ path }) => path)).toContain("README.md");
});

it.each(pages.map((page) => [page.path, page] as const))("%s can be followed as it stands", (_path, page) =>
  walk(page),
);
