import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./pages.ts";

export interface Workspace {
  readonly folder: string;
  readonly home: string;
  remove(): Promise<void>;
}

/** The clone, as links: what is written at its top goes nowhere else, and its programs import this package by its name. */
export async function openWorkspace(): Promise<Workspace> {
  const parent = await mkdtemp(join(tmpdir(), "docs-"));
  const [folder, home] = [join(parent, "clone"), join(parent, "home")];
  // What is built goes to the clone itself.
  await Promise.all([mkdir(folder), mkdir(home), mkdir(join(root, "dist"), { recursive: true })]);
  const entries = (await readdir(root)).filter((name) => ![".git", ".data", "tsconfig.json"].includes(name));
  await Promise.all(entries.map((name) => symlink(join(root, name), join(folder, name))));
  return { folder, home, remove: () => rm(parent, { recursive: true, force: true }) };
}
