import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { bundleFunction } from "./function.ts";

/**
 * Left out of the bundle: it runs the function, and must be the one with which the function registers itself. Where
 * package.json does not name it, the platform brings one that the function cannot load (GoogleCloudPlatform/buildpacks,
 * cmd/nodejs/functions_framework).
 */
const framework = "@google-cloud/functions-framework";

/** What is uploaded for Cloud Run functions: the entry points are `artifactRegistry` and `artifactRegistryEvents`. */
export async function bundleGcp(): Promise<void> {
  const outdir = "dist/gcp";
  const manifest = {
    name: "artifact-registry-gcp",
    version: "0.0.0",
    private: true,
    type: "commonjs",
    main: "index.js",
    engines: { node: ">=22" },
    dependencies: { [framework]: lockedVersion(framework) },
  };
  await bundleFunction({
    outdir,
    entryPoint: "functions/gcp/handler.ts",
    packageJson: manifest,
    options: { external: [framework] },
  });
  const lock = JSON.stringify(lockFor(manifest, framework));
  await writeFile(`${outdir}/package-lock.json`, `${lock}\n`);
}

interface Locked {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Packages = Readonly<Record<string, Locked>>;

/**
 * The `package-lock.json` of a folder that depends on one package of ours, so that what is installed there is what was
 * tested here.
 *
 * @param manifest its package.json
 */
function lockFor(manifest: { readonly name: string }, dependency: string): object {
  const packages = readLock();
  const needed = new Set<string>();
  const add = (path: string) => {
    if (needed.has(path)) return;
    needed.add(path);
    const { dependencies, optionalDependencies } = packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = locate(packages, path, name);
      if (found !== undefined) add(found);
    }
  };
  add(`node_modules/${dependency}`);
  const kept = [...needed].sort().map((path) => [path, packages[path]] as const);
  return { ...manifest, lockfileVersion: 3, requires: true, packages: { "": manifest, ...Object.fromEntries(kept) } };
}

/** The exact version that is installed here. */
function lockedVersion(dependency: string): string {
  const locked = readLock()[`node_modules/${dependency}`];
  if (locked === undefined) throw new Error(`${dependency} is not installed.`);
  return locked.version;
}

function readLock(): Packages {
  return JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
}

/** Where Node finds a package from another one: in its own folder, or in one further up. Absent where it is optional. */
function locate(packages: Packages, from: string, name: string): string | undefined {
  const outer = `/${from}`.split("/node_modules/").slice(1);
  for (let depth = outer.length; depth >= 0; depth--) {
    const path = [...outer.slice(0, depth), name].map((each) => `node_modules/${each}`).join("/");
    if (path in packages) return path;
  }
  return undefined;
}
