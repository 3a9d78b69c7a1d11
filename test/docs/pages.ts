import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Block, blocksOf } from "./blocks.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** What people read; `CHANGELOG.md` tells of what was. */
const patterns = ["README.md", "CONTRIBUTING.md", "docs/**/*.md", "infra/*/README.md", "{client,functions}/**/*.md"];

export interface Page {
  /** From the root, as `docs/aws.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export async function readPages(): Promise<Page[]> {
  return Promise.all((await filesOf(patterns)).map(readPage));
}

/** Paths from the root, sorted. */
export async function filesOf(patterns: string | readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(patterns, { cwd: root })) paths.push(path);
  return paths.sort();
}

async function readPage(path: string): Promise<Page> {
  const text = await readFile(join(root, path), "utf8");
  return { path, text, blocks: blocksOf(path, text) };
}
