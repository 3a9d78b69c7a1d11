import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "../../tools/tools.ts";
import type { Image } from "./build.ts";

/** A container of the image under runc, in this machine's own network. */
export interface RunningContainer {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
  /** Runs Node inside it, as the image's user. @returns what it printed */
  evaluate(script: string): string;
  signal(name: "SIGTERM" | "SIGKILL"): void;
}

let serial = 0;

export interface Start {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** In the place of the image's own, as a platform may choose one. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Files of this machine, by their paths in the container, as the kubelet mounts them. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Starts a container as the chart does: root file system read-only, no capability, no new privileges. One for another processor is
 * run by an emulator, which is put into it.
 */
export function startContainer(
  image: Image,
  folder: string,
  { env = {}, args = image.config.Cmd, user, files = {} }: Start = {},
): RunningContainer {
  const id = `suite-${process.pid}-${++serial}`;
  const bundle = join(folder, id);
  execFileSync("umoci", ["unpack", "--image", image.reference, bundle], { stdio: ["ignore", "ignore", "inherit"] });
  const file = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  Object.assign(config.process, { terminal: false, capabilities: {}, noNewPrivileges: true });
  const emulator = image.architecture === "arm64" ? ["/qemu"] : [];
  if (emulator.length > 0) copyFileSync(tool("qemu-aarch64-static"), join(bundle, "rootfs/qemu"));
  config.process.args = [...emulator, ...image.config.Entrypoint, ...args];
  if (user) config.process.user = user;
  for (const [destination, source] of Object.entries(files)) {
    config.mounts.push({ destination, source, type: "bind", options: ["bind", "ro"] });
  }
  config.process.env.push(...Object.entries(env).map(([name, value]) => `${name}=${value}`));
  config.root.readonly = true;
  // The test reaches it on loopback; and no cgroup is needed to see it start.
  const shared = ["network", "cgroup"];
  config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => !shared.includes(type));
  config.mounts = config.mounts.filter(({ type }: { type: string }) => !type.startsWith("cgroup"));
  delete config.linux.resources;
  writeFileSync(file, JSON.stringify(config));

  const runc = ["--root", join(folder, "runc")];
  const child = spawn("runc", [...runc, "run", "--bundle", bundle, id], { stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.stderr += chunk;
  });
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    ended: new Promise((resolve) => child.once("close", resolve)),
    evaluate: (script) =>
      execFileSync("runc", [...runc, "exec", id, ...emulator, "/usr/local/bin/node", "-e", script], {
        encoding: "utf8",
      }).trim(),
    signal: (name) => void execFileSync("runc", [...runc, "kill", id, name]),
  };
}
