import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, lchownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../support/bundle.ts";
import { tool } from "../../tools/tools.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Nobody's own number: what builds has no right on this machine, and no range of users to map. */
const nobody = 65_534;

/** As the OCI and Debian name them. */
export type Architecture = "amd64" | "arm64";

/** The image in an OCI layout, built from the Dockerfile's own last stage. */
export interface Image {
  readonly architecture: Architecture;
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
 * Builds the image rootless with buildah. What its first stages do (`npm ci`, the bundle, the file system of Debian's packages) is done
 * on this machine, by the commands of the Dockerfile; no registry with a base image can be reached from a test.
 *
 * @param folder an empty one, of which everything below belongs to nobody afterwards
 */
export function buildImage(folder: string, architecture: Architecture): Image {
  const dockerfile = readFileSync(join(root, "functions/kubernetes/Dockerfile"), "utf8");
  buildBundle("kubernetes");
  const build = join(folder, "build");
  cpSync(join(root, "dist/kubernetes"), join(build, "src/dist/kubernetes"), { recursive: true });
  const layOut = /^RUN sh (\S+) "\$\{TARGETARCH:-.*\}" \/node \/rootfs$/m.exec(dockerfile)?.[1] ?? "";
  const node = architecture === "arm64" ? tool("node-arm64") : process.execPath;
  execFileSync("sh", [layOut, architecture, node, join(build, "rootfs")], { cwd: root, stdio: "inherit" });
  for (const name of ["home", "context"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "Containerfile"), lastStage(dockerfile));
  chmodSync(folder, 0o711);
  giveToNobody(folder);

  const buildah = (...args: string[]) =>
    execFileSync("setpriv", [...asNobody, ...command(folder), ...args], {
      cwd: folder,
      env: environment(folder),
      stdio: ["ignore", "pipe", "pipe"],
    });
  const how = ["--isolation", "chroot", "--layers=false", "--quiet", "--arch", architecture];
  const from = ["--build-context", `build=${build}`, "--file", "Containerfile", "context"];
  buildah("build", ...how, "--tag", "localhost/suite", ...from);
  buildah("push", "--quiet", "localhost/suite", `oci:${join(folder, "image")}:latest`);
  const { config, architecture: built } = configOf(join(folder, "image"));
  return { reference: `${join(folder, "image")}:latest`, architecture: built, config };
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
function lastStage(dockerfile: string): string {
  const start = dockerfile.indexOf("\nFROM scratch ");
  if (start < 0) throw new Error("The Dockerfile has no last stage as expected.");
  return dockerfile.slice(start);
}

function giveToNobody(path: string): void {
  chownSync(path, nobody, nobody);
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" }))
    lchownSync(join(path, entry), nobody, nobody);
}

function configOf(layout: string): Pick<Image, "architecture" | "config"> {
  const blob = (digest: string) => JSON.parse(readFileSync(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  return blob(blob(index.manifests[0].digest).config.digest);
}
