/** The version of the data folder's form, and how a folder of an earlier version is brought to this one. */
import { readFile, rename } from "node:fs/promises";
import { ifThere, namesIn } from "../../files.ts";
import type { Durable } from "./durable.ts";
import { DataFolderError } from "./folder-lock.ts";
import { allRepositories } from "./listing.ts";
import { fileOfTag, type Layout, parseTag } from "./names.ts";

/**
 * The form that this version writes, and what each form changed:
 *
 * 1. Folders without a file `format`. The name of a tag's file was the tag.
 * 2. The name of a tag's file has no capital letters ({@link fileOfTag}).
 */
const currentFormat = 2;

/** Returns the folder's form. A folder without the file has the first form, or is new. @throws DataFolderError `FORMAT` */
export async function readFormat({ root, format }: Layout): Promise<number> {
  const text = await ifThere(readFile(format, "utf8"));
  if (text === undefined) return 1;
  const found = /^(\d{1,6})\n$/.exec(text)?.[1];
  if (found !== undefined && Number(found) <= currentFormat) return Number(found);
  const what = found === undefined ? "holds no format" : `says format ${found}, which a newer version wrote`;
  const message = `The data folder ${root} cannot be used: ${format} ${what}. This version knows up to ${currentFormat}.`;
  throw new DataFolderError("FORMAT", message);
}

/**
 * Brings a folder to the current form. The caller owns the folder, and nobody reads it yet. If this is interrupted, the next start
 * goes on with it: each step can be done again, and the form is told last.
 *
 * @throws the system's error
 */
export async function upgrade(layout: Layout, durable: Durable, from: number): Promise<void> {
  if (from === currentFormat) return;
  await renameTags(layout, durable);
  await durable.writeFile(layout.format, Buffer.from(`${currentFormat}\n`));
}

/** Whether nothing has to be done before this folder can be read. */
export function isCurrent(format: number): boolean {
  return format === currentFormat;
}

async function renameTags(layout: Layout, durable: Durable): Promise<void> {
  for (const name of await allRepositories(layout)) {
    const folder = layout.tags(name);
    for (const file of await namesIn(folder)) {
      const tag = parseTag(file);
      // What was renamed already holds a sign that no tag has.
      if (tag !== undefined && fileOfTag(tag) !== file) await rename(`${folder}/${file}`, layout.tag(name, tag));
    }
    await ifThere(durable.syncFolder(folder));
  }
}
