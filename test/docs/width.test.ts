import { expect, test } from "vitest";
import { readPages } from "./pages.ts";

/** What GitHub shows of a page at once, in characters of code. A block that is wider scrolls sideways. */
const width = 100;
/** Characters that the borders and margins of a table's column take. */
const margin = 4;

const pages = await readPages();

test("no line of a block is wider than GitHub shows", () => {
  const wide = pages.flatMap(({ blocks }) =>
    blocks.flatMap(({ page, line, text }) =>
      text
        .split("\n")
        // What has no space in it, such as a resource's name in JSON, cannot be broken.
        .flatMap((each, index) => (each.length > width && /\S\s/.test(each) ? [`${page}:${line + index + 1}`] : [])),
    ),
  );
  expect(wide).toEqual([]);
});

test("no table is wider than GitHub shows: in each column there is room for the longest word", () => {
  const wide = pages.flatMap(({ path, text }) =>
    tablesIn(text).flatMap(({ line, rows }) => {
      const columns = rows.map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map(longestWord),
      );
      const least = (columns[0] ?? []).map((_, at) => Math.max(...columns.map((row) => row[at] ?? 0)) + margin);
      const needed = least.reduce((sum, each) => sum + each, 0);
      return needed > width ? [`${path}:${line} needs ${needed}`] : [];
    }),
  );
  expect(wide).toEqual([]);
});

test("the README is read in a few screens", () => {
  const readme = pages.find(({ path }) => path === "README.md");
  expect(readme?.text.split("\n").length).toBeLessThanOrEqual(160);
});

function tablesIn(text: string): { readonly line: number; readonly rows: readonly string[] }[] {
  const tables: { line: number; rows: string[] }[] = [];
  let inCode = false;
  let before = "";
  for (const [index, line] of text.split("\n").entries()) {
    if (/^ *```/.test(line)) inCode = !inCode;
    if (!inCode && line.startsWith("|")) {
      if (!before.startsWith("|")) tables.push({ line: index + 1, rows: [] });
      tables.at(-1)?.rows.push(line);
    }
    before = line;
  }
  return tables;
}

/** Browsers break a cell at spaces, and after hyphens and slashes (Unicode's UAX #14, the classes HY and SY). */
function longestWord(cell: string): number {
  const shown = cell.replace(/\]\([^)]*\)/g, "").replace(/\*\*|[`[\]]/g, "");
  return Math.max(...shown.split(/\s+|(?<=[-/])/).map((word) => word.length));
}
