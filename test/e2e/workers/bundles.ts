import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Metafile } from "esbuild";
import { readPages } from "../../docs/pages.ts";
import { buildBundle } from "../../support/bundle.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const name = "artifact-registry-functions";

/** Beside the package, what its user installs for a form of authentication. */
export const peers = {
  bearer: [],
  aws: ["@aws-sdk/credential-provider-node", "@smithy/signature-v4"],
  gcp: ["google-auth-library"],
  azure: ["@azure/identity"],
} as const satisfies Record<string, readonly string[]>;

export type Form = keyof typeof peers;

/** A worker's program, built by its user for one form of authentication. */
export interface WorkerBundle {
  readonly file: string;
  /** Bytes of it that come from this package. */
  readonly ours: number;
  /** The packages that are in it, without this one. */
  readonly packages: readonly string[];
}

export interface WorkerBundles {
  /** In a folder from which no package is found: what a bundle needs is in it. */
  readonly bundles: Readonly<Record<Form, WorkerBundle>>;
  remove(): Promise<void>;
}

/** Builds dist/client, and with it the program, once for each form of authentication. */
export async function buildWorkers(): Promise<WorkerBundles> {
  buildBundle("client");
  const folder = await mkdtemp(join(tmpdir(), "workers-"));
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder, join(root, "dist/client")]);
  const packed = join(folder, stdout.trim());
  const forms = Object.keys(peers) as Form[];
  const made = await Promise.all(forms.map(async (form) => [form, await buildWorker(folder, form, packed)] as const));
  return {
    bundles: Object.fromEntries(made) as Record<Form, WorkerBundle>,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function buildWorker(folder: string, form: Form, packed: string): Promise<WorkerBundle> {
  const project = join(folder, form);
  await mkdir(join(project, "node_modules", name), { recursive: true });
  await run("tar", ["-xzf", packed, "--strip-components=1", "-C", join(project, "node_modules", name)]);
  for (const peer of peers[form]) {
    const link = join(project, "node_modules", peer);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, "node_modules", peer), link);
  }
  await copyFile(join(import.meta.dirname, "program.ts"), join(project, "worker.ts"));
  // npx looks for it here.
  await mkdir(join(project, "node_modules/.bin"));
  await symlink(join(root, "node_modules/.bin/esbuild"), join(project, "node_modules/.bin/esbuild"));
  const command = `${(await documentedBuild()).trim()} --metafile=meta.json --log-level=error`;
  await run("bash", ["-e", "-c", command], { cwd: project });
  const file = join(folder, "built", form, "worker.mjs");
  await mkdir(dirname(file), { recursive: true });
  await rename(join(project, "worker.mjs"), file);
  const metafile = JSON.parse(await readFile(join(project, "meta.json"), "utf8")) as Metafile;
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const of = inputs.map(([path, { bytesInOutput }]) => ({ bytes: bytesInOutput, from: packageOf(path) }));
  return {
    file,
    ours: of.filter(({ from }) => from === name).reduce((sum, { bytes }) => sum + bytes, 0),
    packages: [...new Set(of.flatMap(({ from }) => (from === undefined || from === name ? [] : [from])))].sort(),
  };
}

/** The command that docs/client.md gives to the authors of workers. */
async function documentedBuild(): Promise<string> {
  const page = (await readPages()).find(({ path }) => path === "docs/client.md");
  const block = page?.blocks.find(({ mark }) => mark?.kind === "tested-by" && mark.path.endsWith("workers/bundles.ts"));
  if (block === undefined) throw new Error("docs/client.md tells no command.");
  return block.text;
}

/** The package that a file belongs to; undefined for the program itself. */
function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}
