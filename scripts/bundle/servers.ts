import { mkdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { common } from "./function.ts";

/** A server runs as ES modules, where some of the packages still ask for CommonJS's `require`. */
const server = {
  ...common,
  format: "esm",
  splitting: true,
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
} as const;

/** The container's two entries: `server.js`, and `refresh.js` for the CronJob that keeps an imagePullSecret fresh. */
export async function bundleKubernetes(): Promise<void> {
  // What goes into the image and nothing else; beside it what stays behind: which module went into which file.
  const [outdir, mapsDir] = ["dist/kubernetes", "dist/kubernetes-maps"];
  for (const folder of [outdir, mapsDir]) await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...server,
    entryPoints: { server: "functions/kubernetes/server.ts", refresh: "functions/kubernetes/refresh.ts" },
    outdir,
    chunkNames: "chunks/[name]-[hash]",
    metafile: true,
  });
  await writeFile(`${outdir}/package.json`, `${JSON.stringify({ type: "module" })}\n`);
  await mkdir(mapsDir, { recursive: true });
  await writeFile(`${mapsDir}/meta.json`, JSON.stringify(metafile));
}

/** The local server, as `node dist/local/server.js` runs it. */
export async function bundleLocal(): Promise<void> {
  const outdir = "dist/local";
  await rm(outdir, { recursive: true, force: true });
  await build({ ...server, entryPoints: { server: "functions/local/server.ts" }, outdir, sourcemap: true });
}
