import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a platform's function is bundled to, in `dist`. */
export interface Bundle {
  /** What is deployed. */
  readonly dir: string;
  /** What stays behind. */
  readonly mapsDir: string;
  build(): void;
  /** Which source files are in the files that were loaded, and how large those are. */
  contentOf(loaded: readonly string[]): { readonly bytes: number; readonly modules: readonly string[] };
  /** All source files of the bundle. */
  allModules(): string[];
}

/** What `scripts/build.ts` builds one by one, into `dist`. */
type Built = "aws" | "azure" | "client" | "gcp" | "kubernetes" | "local";

/**
 * Builds into `dist`, which others may be reading at the same time: where a run of the tests has built everything before its
 * first file (test/e2e/built.ts), nothing is built again.
 */
export function buildBundle(name: Built): void {
  if (process.env.BUNDLES_ARE_BUILT === "1") return;
  execFileSync(process.execPath, ["scripts/build.ts", name], { cwd: root, stdio: "inherit" });
}

export function bundleOf(platform: "aws" | "gcp" | "azure"): Bundle {
  const dir = join(root, "dist", platform);
  const mapsDir = `${dir}-maps`;
  const readMeta = (): Metafile => JSON.parse(readFileSync(join(mapsDir, "meta.json"), "utf8"));
  return {
    dir,
    mapsDir,
    build: () => buildBundle(platform),
    contentOf(loaded) {
      const { outputs } = readMeta();
      const files = loaded.filter((file) => file.startsWith(`${dir}/`));
      return {
        bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
        modules: files.flatMap((file) => Object.keys(outputs[relative(root, file)]?.inputs ?? {})),
      };
    },
    allModules: () => Object.keys(readMeta().inputs),
  };
}
