import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("install.sh", import.meta.url));

/**
 * The path of a tool that `test/tools/install.sh` installs: in its own folder, else on the PATH.
 * @throws Error that says how to install it
 */
export function tool(name: string): string {
  for (const folder of [toolFolder(), ...(process.env.PATH ?? "").split(delimiter)]) {
    const file = join(folder, name);
    if (isExecutable(file)) return file;
  }
  throw new Error(`${name} is not installed: see the first lines of test/tools/install.sh`);
}

/** The folder, outside the clone, where what is built for the tests is kept from run to run. */
export function toolCache(): string {
  return dirname(toolFolder());
}

function toolFolder(): string {
  return execFileSync("bash", [script, "--bin"], { encoding: "utf8" }).trim();
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
