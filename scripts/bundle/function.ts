import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type BuildOptions, build, type OutputFile, transform } from "esbuild";
/** What every bundle is made with. */
export const common = {
  bundle: true,
  platform: "node",
  target: "node22",
  // Without it esbuild takes the larger CommonJS builds of the SDKs.
  mainFields: ["module", "main"],
  minify: true,
  legalComments: "linked",
  logLevel: "warning",
} as const satisfies BuildOptions;

export interface FunctionBundle {
  /** What is deployed, and nothing else; the entry is `index.js`. */
  readonly outdir: string;
  readonly entryPoint: string;
  readonly packageJson: object;
  /** What this platform's SDK needs beside. */
  readonly options?: BuildOptions;
}

/**
 * Bundles a function. esbuild splits only ES modules, but a cold start loads CommonJS some 15 ms sooner
 * (docs/benchmarks.md): so what is loaded lazily is split off first, and each file then becomes CommonJS by itself.
 * Beside the folder, in `{outdir}-maps`, is what stays behind: source maps, and which module went into which file.
 */
export async function bundleFunction({ outdir, entryPoint, packageJson, options }: FunctionBundle): Promise<void> {
  const mapsDir = `${outdir}-maps`;
  for (const folder of [outdir, mapsDir]) await rm(folder, { recursive: true, force: true });
  const { outputFiles, metafile } = await build({
    ...common,
    ...options,
    entryPoints: { index: entryPoint },
    outdir,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    splitting: true,
    sourcemap: "inline",
    sourcesContent: false,
    legalComments: "external",
    write: false,
    metafile: true,
  });
  const files = outputFiles.map((file) => ({
    ...file,
    name: file.path.slice(file.path.indexOf(outdir) + outdir.length + 1),
  }));
  for (const { name, text } of files.filter((file) => file.name.endsWith(".js"))) {
    const { code, map } = await transform(text, {
      format: "cjs",
      minify: true,
      platform: common.platform,
      target: common.target,
      // Else a chunk that is loaded lazily would be loaded as an ES module after all.
      supported: { "dynamic-import": false },
      sourcemap: "external",
      sourcefile: basename(name),
    });
    await write(join(outdir, name), code);
    await write(join(mapsDir, `${name}.map`), map);
  }
  await write(join(outdir, "package.json"), `${JSON.stringify(packageJson)}\n`);
  await write(join(outdir, "LICENSES.txt"), licenses(files));
  await write(join(mapsDir, "meta.json"), JSON.stringify(metafile));
}

/** The notices that the bundled packages ask to be kept. */
function licenses(files: readonly OutputFile[]): string {
  const notices = files.filter(({ path }) => path.endsWith(".LEGAL.txt")).map(({ text }) => text.trim());
  return `${[...new Set(notices)].join("\n\n")}\n`;
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
