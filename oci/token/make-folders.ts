import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and what is missing above it. Returns those that it made, the outermost first.
 *
 * Node's own recursive `mkdir` never returns where a folder exists but the system answers ENOENT to making one in it,
 * as /proc does. Here every folder is tried twice at most.
 */
export async function makeFolders(folder: string): Promise<string[]> {
  const outcome = await tryMake(folder);
  if (outcome === "made") return [folder];
  if (outcome === "there") return [];
  const above = await makeFolders(dirname(folder));
  await mkdir(folder).catch(ignoreExisting);
  return [...above, folder];
}

async function tryMake(folder: string): Promise<"made" | "there" | "parent missing"> {
  try {
    await mkdir(folder);
    return "made";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && dirname(folder) !== folder) return "parent missing";
    ignoreExisting(error);
    return "there";
  }
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
}
