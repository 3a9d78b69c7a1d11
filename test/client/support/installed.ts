import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleClient } from "../../../scripts/bundle/client.ts";

const run = promisify(execFile);

/** The folder of somebody who installed the package, and nothing else. */
export interface Project {
  readonly folder: string;
  /** The package as it is published, before it is packed. */
  readonly built: string;
  /** The folder of the package in it. */
  readonly installed: string;
  remove(): Promise<void>;
}

/**
 * Builds and packs the client, and unpacks it into an empty project, as npm does. Several test files do so at the same time, so that
 * each builds into a folder of its own, unless a run of the tests has built everything before.
 */
export async function installClient(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "client-package-"));
  const isBuilt = process.env.BUNDLES_ARE_BUILT === "1";
  const built = isBuilt ? fileURLToPath(new URL("../../../dist/client", import.meta.url)) : join(folder, "built");
  if (!isBuilt) await bundleClient(built);
  const installed = join(folder, "node_modules/artifact-registry-functions");
  await run("npm", ["pack", built, "--pack-destination", folder, "--silent"]);
  await mkdir(installed, { recursive: true });
  const archive = join(folder, "artifact-registry-functions-0.1.0.tgz");
  await run("tar", ["-xzf", archive, "--strip-components=1", "-C", installed]);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  return { folder, built, installed, remove: () => rm(folder, { recursive: true, force: true }) };
}
