import { existsSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";

/**
 * Says how to install packages where this program finds them: beside itself, which need not be where it is called.
 *
 * @param packages with spaces between them
 * @param folder of this program
 * @param here where it is called
 * @example installCommand("google-auth-library", "/usr/lib/node_modules/artifact-registry-functions/chunks")
 * // npm install --global --prefix /usr google-auth-library
 */
export function installCommand(packages: string, folder = import.meta.dirname, here = process.cwd()): string {
  const end = folder.lastIndexOf(join(sep, "node_modules", "artifact-registry-functions"));
  const project = folder.slice(0, end);
  // In a clone, and in a folder that npm links to, it is the clone's own packages that are found.
  if (end < 0 || isWithin(here, project)) return `npm install ${packages}`;
  if (existsSync(join(project, "package.json"))) return `npm install --prefix ${quoted(project)} ${packages}`;
  // npm keeps what is global in {prefix}/lib/node_modules, and on Windows in {prefix}/node_modules.
  const prefix = basename(project) === "lib" ? dirname(project) : project;
  return `npm install --global --prefix ${quoted(prefix)} ${packages}`;
}

function isWithin(place: string, project: string): boolean {
  return existsSync(join(project, "package.json")) && !relative(project, place).startsWith("..");
}

function quoted(folder: string): string {
  return /[^\w@%+=:,./\\-]/.test(folder) ? `"${folder}"` : folder;
}
