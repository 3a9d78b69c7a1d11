import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../support/bundle.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Nobody's own number: what builds has no right on this machine, and no range of users to map. */
const nobody = 65_534;

/** The image in an OCI layout, built from the Dockerfile's own last stage. */
export interface Image {
  /** As umoci and skopeo name it: folder and tag. */
  readonly reference: string;
  readonly config: {
    readonly User: string;
    readonly Entrypoint: string[];
    readonly Cmd: string[];
    readonly Env: string[];
  };
}

/**
 * Builds the image rootless with buildah, over a base of Node and the libraries that it needs, and nothing else: no
 * shell, no package manager. What the first stage does (`npm ci`, the bundle) has been done on this machine; no registry
 * with a base image can be reached from a test.
 *
 * @param folder an empty one, of which everything below belongs to nobody afterwards
 */
export function buildImage(folder: string): Image {
  buildBundle("kubernetes");
  cpSync(join(root, "dist/kubernetes"), join(folder, "build/src/dist/kubernetes"), { recursive: true });
  nodeRootfs(join(folder, "base/rootfs"));
  mkdirSync(join(folder, "home"));
  writeFileSync(join(folder, "base/Containerfile"), "FROM scratch\nCOPY --chown=0:0 rootfs /\n");
  writeFileSync(join(folder, "Containerfile"), lastStage());
  chmodSync(folder, 0o711);
  giveToNobody(folder);

  const buildah = (...args: string[]) =>
    execFileSync("setpriv", [...asNobody, ...command(folder), ...args], {
      cwd: folder,
      env: environment(folder),
      stdio: ["ignore", "pipe", "pipe"],
    });
  const build = ["build", "--isolation", "chroot", "--layers=false", "--quiet"];
  buildah(...build, "--tag", "localhost/base", "--file", "base/Containerfile", "base");
  const from = ["--build-arg", "BASE_IMAGE=localhost/base", "--build-context", `build=${join(folder, "build")}`];
  buildah(...build, "--tag", "localhost/suite", ...from, "--file", "Containerfile", "base");
  buildah("push", "--quiet", "localhost/suite", `oci:${join(folder, "image")}:latest`);
  return { reference: `${join(folder, "image")}:latest`, config: configOf(join(folder, "image")) };
}

const asNobody = ["--reuid", `${nobody}`, "--regid", `${nobody}`, "--clear-groups"];

function environment(folder: string): Record<string, string> {
  const home = join(folder, "home");
  return { PATH: process.env.PATH ?? "", HOME: home, XDG_RUNTIME_DIR: home, TMPDIR: home };
}

function command(folder: string): string[] {
  const places = ["--root", join(folder, "store"), "--runroot", join(folder, "run")];
  // One user is all that there is to map: files of others become its own.
  return [
    "buildah",
    "--log-level",
    "error",
    "--storage-driver",
    "vfs",
    "--storage-opt",
    "vfs.ignore_chown_errors=true",
    ...places,
  ];
}

/** The instructions that make the container itself, as they stand in the Dockerfile. */
function lastStage(): string {
  const text = readFileSync(join(root, "functions/kubernetes/Dockerfile"), "utf8");
  const argument = /^ARG BASE_IMAGE=.*$/m.exec(text)?.[0];
  const start = text.indexOf(`\nFROM \${BASE_IMAGE}`);
  if (argument === undefined || start < 0) throw new Error("The Dockerfile has no last stage as expected.");
  return `${argument}${text.slice(start)}`;
}

/** Node as it runs these tests, at its place in the official image. */
function nodeRootfs(rootfs: string): void {
  const place = (source: string, target: string) => {
    mkdirSync(dirname(join(rootfs, target)), { recursive: true });
    copyFileSync(source, join(rootfs, target));
  };
  place(process.execPath, "/usr/local/bin/node");
  const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8" }).match(/\/\S+\.so\S*/g) ?? [];
  for (const library of libraries) place(library, library);
}

function giveToNobody(path: string): void {
  chownSync(path, nobody, nobody);
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" }))
    lchownSync(join(path, entry), nobody, nobody);
}

function configOf(layout: string): Image["config"] {
  const blob = (digest: string) => JSON.parse(readFileSync(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  return blob(blob(index.manifests[0].digest).config.digest).config;
}
