import { rm } from "node:fs/promises";
import { build } from "esbuild";
import { common } from "./settings.ts";

const outdir = "dist/local";

/** The local server, as `node dist/local/server.js` runs it. */
export async function bundleLocal(): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: { server: "functions/local/server.ts" },
    outdir,
    format: "esm",
    splitting: true,
    sourcemap: true,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
}
