/**
 * Bundles the platforms: `node scripts/build.ts [platform …]`, all of them without a name. One bundle per platform, so
 * that none knows of another's SDK.
 */
import { rm } from "node:fs/promises";
import { type BuildOptions, build } from "esbuild";

const common = {
  bundle: true,
  platform: "node",
  target: "node22",
  // Without it esbuild takes the larger CommonJS builds of the SDKs.
  mainFields: ["module", "main"],
  minify: true,
  sourcemap: true,
  legalComments: "linked",
  logLevel: "warning",
} as const satisfies BuildOptions;

const platforms: Readonly<Record<string, BuildOptions>> = {
  local: {
    entryPoints: { server: "functions/local/server.ts" },
    outdir: "dist/local",
    format: "esm",
    splitting: true,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  },
};

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(platforms)) {
  const options = platforms[name];
  if (!options?.outdir) throw new Error(`There is no platform "${name}".`);
  await rm(options.outdir, { recursive: true, force: true });
  await build({ ...common, ...options });
}
