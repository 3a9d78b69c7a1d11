import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export const bundleDir = join(root, "dist/aws");
export const mapsDir = join(root, "dist/aws-maps");

export function buildBundle(): void {
  execFileSync(process.execPath, ["scripts/build.ts", "aws"], { cwd: root, stdio: "inherit" });
}

/** Which source files are in the files that were loaded, and how large those are. */
export function contentOf(loaded: readonly string[]): { readonly bytes: number; readonly modules: readonly string[] } {
  const { outputs }: Metafile = JSON.parse(readFileSync(join(mapsDir, "meta.json"), "utf8"));
  const files = loaded.filter((file) => file.startsWith(bundleDir));
  return {
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    modules: files.flatMap((file) => Object.keys(outputs[relative(root, file)]?.inputs ?? {})),
  };
}

/** All source files of the bundle. */
export function allModules(): string[] {
  const { inputs }: Metafile = JSON.parse(readFileSync(join(mapsDir, "meta.json"), "utf8"));
  return Object.keys(inputs);
}
