import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import * as vite from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import webpack from "webpack";
import { openFunction, type QuickStartFunction, quickStart } from "./overview/quick-start.ts";
import { installClient, type Project } from "./support/installed.ts";

const run = promisify(execFile);

/** Other people's programs: each is the overview's quick start, bundled with the published client and nothing else installed. */
let project: Project;
let called: QuickStartFunction;
beforeAll(async () => {
  project = await installClient();
  called = await openFunction();
});
afterAll(async () => {
  await called?.stop();
  await project?.remove();
});

type Format = keyof typeof quickStart;

interface Job {
  readonly entry: string;
  readonly outdir: string;
  readonly format: Format;
}

/** Each writes `main.mjs` or `main.cjs`, and answers what the bundler warned of. */
const bundlers: Readonly<Record<string, (job: Job) => Promise<readonly string[]>>> = {
  async esbuild({ entry, outdir, format }) {
    const { warnings } = await esbuild.build({
      entryPoints: { main: entry },
      outdir,
      outExtension: { ".js": extensionOf(format) },
      format,
      bundle: true,
      minify: true,
      platform: "node",
      logLevel: "silent",
    });
    return warnings.map(({ text }) => text);
  },

  async webpack({ entry, outdir, format }) {
    const isEsm = format === "esm";
    const compiler = webpack({
      context: project.folder,
      entry: { main: entry },
      mode: "production",
      target: "node22",
      experiments: { outputModule: isEsm },
      output: {
        path: outdir,
        filename: `[name]${extensionOf(format)}`,
        chunkFormat: isEsm ? "module" : "commonjs",
        library: { type: isEsm ? "module" : "commonjs2" },
      },
    });
    if (compiler === null) throw new Error("webpack made no compiler.");
    const stats = await new Promise<webpack.Stats>((resolve, reject) => {
      compiler.run((error, done) => (done === undefined ? reject(error) : resolve(done)));
    });
    await new Promise((resolve) => compiler.close(resolve));
    const { errors = [], warnings = [] } = stats.toJson({ all: false, errors: true, warnings: true });
    if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
    return warnings.map(({ message }) => message);
  },

  async vite({ entry, outdir, format }) {
    const warnings: string[] = [];
    await vite.build({
      root: project.folder,
      configFile: false,
      logLevel: "warn",
      customLogger: { ...vite.createLogger("silent"), warn: (message) => void warnings.push(message) },
      ssr: { noExternal: true },
      build: {
        ssr: entry,
        outDir: outdir,
        rolldownOptions: { output: { format, entryFileNames: `main${extensionOf(format)}` } },
      },
    });
    return warnings;
  },
};

const extensionOf = (format: Format) => (format === "esm" ? ".mjs" : ".cjs");

describe.each(Object.keys(bundlers))("%s", (name) => {
  it.each(["esm", "cjs"] as const)("makes a program of the quick start that runs, as %s", async (format) => {
    const entry = join(project.folder, `quick-start${extensionOf(format)}`);
    await writeFile(entry, quickStart[format]);
    const outdir = join(project.folder, `${name}-${format}`);
    const warnings = await bundlers[name]?.({ entry, outdir, format });
    // webpack names a package that it leaves out, and only for a form of authentication that may never be asked for.
    expect(
      warnings?.filter((text) => !/Can't resolve '(@aws-sdk|@smithy|@azure|google-auth-library)/.test(text)),
    ).toEqual([]);
    expect(await readdir(outdir)).toContain(`main${extensionOf(format)}`);
    const { stdout } = await run(process.execPath, [join(outdir, `main${extensionOf(format)}`)], { env: called.env });
    called.check(stdout);
  });
});

describe("a program without a bundler", () => {
  it.each(["esm", "cjs"] as const)("runs the quick start as %s", async (format) => {
    const file = join(project.folder, `plain${extensionOf(format)}`);
    await writeFile(file, quickStart[format]);
    const { stdout } = await run(process.execPath, [file], { env: called.env });
    called.check(stdout);
  });
});
