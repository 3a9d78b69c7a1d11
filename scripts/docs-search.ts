/** Searches the documentation: `npm run -s docs:search -- WORDS`. It prints the sections that fit best, the best one first. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import MiniSearch from "minisearch";

const root = join(import.meta.dirname, "..");
const pages = ["README.md", "docs/*.md", "infra/*/README.md", "client/rust/README.md"];

/** A part of a page under a heading of its own. */
export interface Section {
  /** The page's path from the root, and the heading as GitHub makes an anchor of it: `docs/aws.md#cut-off`. */
  readonly link: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

/** Words that say nothing about what is asked. */
const idle = new Set(
  "a an and any are as at be but by can cannot do does for from get has have how i if in into is it its my no not of on one or so that the their there this to was we what when where which who why will with you your".split(
    " ",
  ),
);

/** What people call a thing, and what our pages call it. */
const synonyms: Readonly<Record<string, string>> = {
  clean: "collect",
  garbage: "collect",
  gc: "collect",
  imagepullsecret: "pull secret",
  invalidate: "revoke",
  robot: "account",
  cleanup: "collect",
};

/** Makes an index of sections. @returns finds those that fit a question, the best first */
export function searchIn(sections: readonly Section[]): (question: string) => readonly Section[] {
  const search = new MiniSearch<Section>({
    idField: "link",
    fields: ["page", "heading", "text"],
    processTerm(term) {
      const word = term.toLowerCase();
      return idle.has(word) ? null : stem(word);
    },
    searchOptions: {
      boost: { heading: 3, page: 2 },
      prefix: (term) => term.length > 4,
      fuzzy: (term) => (term.length > 6 ? 0.15 : false),
    },
  });
  search.addAll(sections);
  const byLink = new Map(sections.map((section) => [section.link, section]));
  return (question) => {
    const words = question
      .split(/[\s?!,;:()"']+/)
      .flatMap((word) => [word, synonyms[stem(word.toLowerCase())] ?? []].flat());
    return search.search(words.join(" ")).flatMap(({ id }) => byLink.get(id) ?? []);
  };
}

/** Takes off what English adds to a word, so that `expires` finds `expired`. */
function stem(word: string): string {
  return word.length < 5
    ? word.replace(/s$/, "")
    : word.replace(/(?:ations?|ions?|ing|ed|es|s)$/, "").replace(/e$/, "");
}

/** Reads the sections of all pages. */
export async function readSections(): Promise<Section[]> {
  const sections: Section[] = [];
  for await (const path of glob(pages, { cwd: root })) {
    sections.push(...sectionsOf(path.replaceAll("\\", "/"), await readFile(join(root, path), "utf8")));
  }
  return sections;
}

/** Parts a page at its headings. What stands in a code block is text, and begins no section. */
export function sectionsOf(path: string, text: string): Section[] {
  const sections: { heading: string; lines: string[] }[] = [];
  let inCode = false;
  for (const line of text.split("\n")) {
    if (/^ *```/.test(line)) inCode = !inCode;
    const [, heading] = inCode ? [] : (/^#{1,3} (.+)$/.exec(line) ?? []);
    if (heading !== undefined) sections.push({ heading, lines: [] });
    else sections.at(-1)?.lines.push(line);
  }
  const page = sections[0]?.heading ?? path;
  return sections.map(({ heading, lines }) => ({
    link: `${path}#${anchorOf(heading)}`,
    page,
    heading,
    text: plain(lines.join("\n")),
  }));
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function plain(markdown: string): string {
  return markdown
    .replace(/<!--.*?-->/gs, "")
    .replace(/\]\([^)]*\)/g, "]")
    .replace(/[`*|[\]]/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

if (import.meta.main) {
  const question = process.argv.slice(2).join(" ");
  const found = searchIn(await readSections())(question).slice(0, 5);
  if (found.length === 0) console.log("Nothing fits. Try other words.");
  for (const { link, page, heading, text } of found) {
    console.log(`${heading === page ? page : `${page}: ${heading}`}\n  ${link}\n  ${text.slice(0, 160)}\n`);
  }
  if (found.length === 0) process.exitCode = 1;
}
