import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Puts the source of an earlier version into an empty folder. It needs the clone's history. */
export function extractCommit(commit: string, folder: string): void {
  const archive = join(folder, "source.tar");
  execFileSync("git", ["-C", root, "archive", "--output", archive, commit]);
  execFileSync("tar", ["-xf", archive, "-C", folder]);
}
