import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tool } from "../../tools/tools.ts";
import type { Outcome } from "../clients.ts";

const TIME_LIMIT_MS = 600_000;

export interface Pulled extends Outcome {
  /** The layout that it was copied to; Podman and Buildah have a store of their own, and print the image's id. */
  readonly into: string;
}

/** Real clients that know no password: each asks the helper that its configuration names. */
export interface HelperClients {
  push(name: "skopeo" | "crane" | "podman" | "buildah", image: string, reference: string): Promise<Outcome>;
  pull(name: "skopeo" | "crane" | "podman" | "buildah", reference: string): Promise<Pulled>;
  /** The command lines of all clients, and of all programs that they ran. */
  commandLines(): Promise<string>;
}

/**
 * @param home an empty folder: what clients write, they write there
 * @param env PATH, and where the configurations are
 */
export async function helperClients(home: string, env: Record<string, string>): Promise<HelperClients> {
  await Promise.all(["tmp", "traces"].map((name) => mkdir(join(home, name), { recursive: true })));
  const own = { HOME: home, XDG_RUNTIME_DIR: join(home, "tmp"), TMPDIR: join(home, "tmp") };
  const traces: string[] = [];
  const client = (name: string, args: readonly string[]): Promise<Outcome> => {
    const trace = join(home, "traces", randomUUID());
    traces.push(trace);
    const strace = ["-f", "-qq", "-s", "1000000", "-e", "trace=execve", "-o", trace, tool(name), ...args];
    return run(tool("strace"), strace, { ...own, ...env });
  };
  const places = ["--root", join(home, "store"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
  return {
    push(name, image, reference) {
      if (name === "crane") return client("crane", ["push", image, reference]);
      if (name === "skopeo") {
        const flags = ["--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false"];
        return client("skopeo", [...flags, `oci:${image}:v1`, `docker://${reference}`]);
      }
      return client(name, [...places, "push", "--tls-verify=false", image, `docker://${reference}`]);
    },
    async pull(name, reference) {
      const into = join(home, "layouts", randomUUID());
      await mkdir(join(home, "layouts"), { recursive: true });
      if (name === "crane") return { ...(await client("crane", ["pull", "--format=oci", reference, into])), into };
      if (name === "skopeo") {
        const flags = ["--insecure-policy", "copy", "--preserve-digests", "--src-tls-verify=false"];
        return { ...(await client("skopeo", [...flags, `docker://${reference}`, `oci:${into}:v1`])), into };
      }
      return { ...(await client(name, [...places, "pull", "--quiet", "--tls-verify=false", reference])), into };
    },
    async commandLines() {
      return (await Promise.all(traces.map((trace) => readFile(trace, "utf8")))).join("");
    },
  };
}

function run(program: string, args: readonly string[], env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env, timeout: TIME_LIMIT_MS }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") return reject(error);
      resolve({ ok: error === null, output: `${stdout}${stderr}` });
    });
    child.stdin?.end();
  });
}
