import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildBundle } from "../../support/bundle.ts";

const run = promisify(execFile);

/** The folder of the package as it is published. */
export const built = fileURLToPath(new URL("../../../dist/client", import.meta.url));

/** The folder of somebody who installed the package, and nothing else. */
export interface Project {
  readonly folder: string;
  /** The folder of the package in it. */
  readonly installed: string;
  remove(): Promise<void>;
}

/** Builds and packs the client, and unpacks it into an empty project, as npm does. */
export async function installClient(): Promise<Project> {
  buildBundle("client");
  const folder = await mkdtemp(join(tmpdir(), "client-package-"));
  const installed = join(folder, "node_modules/artifact-registry-functions");
  await run("npm", ["pack", built, "--pack-destination", folder, "--silent"]);
  await mkdir(installed, { recursive: true });
  const archive = join(folder, "artifact-registry-functions-0.1.0.tgz");
  await run("tar", ["-xzf", archive, "--strip-components=1", "-C", installed]);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  return { folder, installed, remove: () => rm(folder, { recursive: true, force: true }) };
}
