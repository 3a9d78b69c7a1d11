import { mkdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { common } from "./settings.ts";

/** What goes into the image, and nothing else. */
const outdir = "dist/kubernetes";
/** What stays behind: which module went into which file. */
const mapsDir = "dist/kubernetes-maps";

/** The container's two entries: `server.js`, and `refresh.js` for the CronJob that keeps an imagePullSecret fresh. */
export async function bundleKubernetes(): Promise<void> {
  for (const folder of [outdir, mapsDir]) await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...common,
    entryPoints: { server: "functions/kubernetes/server.ts", refresh: "functions/kubernetes/refresh.ts" },
    outdir,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    splitting: true,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    metafile: true,
  });
  await writeFile(`${outdir}/package.json`, `${JSON.stringify({ type: "module" })}\n`);
  await mkdir(mapsDir, { recursive: true });
  await writeFile(`${mapsDir}/meta.json`, JSON.stringify(metafile));
}
