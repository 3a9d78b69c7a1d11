import { writeFile } from "node:fs/promises";
import { bundleFunction } from "./function.ts";
import { lockedVersion, lockFor } from "./lock.ts";

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
