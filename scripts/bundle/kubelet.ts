import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The file's name on a node, and so the provider's name in the kubelet's configuration. */
export const providerName = "artifact-registry-credential-provider";

/** What nodes have for a processor, as Go and container platforms name it. */
export const architectures = ["amd64", "arm64"] as const;

/**
 * Builds the kubelet's credential provider with Go, for each kind of node. The same source and the same Go give the same bytes:
 * without paths, version control and build id, and without cgo, so that no library of the node is needed. The Dockerfile in its
 * folder runs the same command; `test/kubernetes/kubelet/binary.e2e.ts` holds both.
 *
 * @param outdir one folder for each architecture is made in it
 * @throws Error with what Go says
 */
export async function buildKubeletProvider(outdir = "dist/kubelet"): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  for (const architecture of architectures) {
    const file = resolve(outdir, architecture, providerName);
    const fixed = { CGO_ENABLED: "0", GOOS: "linux", GOARCH: architecture, GOAMD64: "v1", GOARM64: "v8.0" };
    const plain = { GOFLAGS: "", GOEXPERIMENT: "", GODEBUG: "", GOWORK: "off" };
    await run("go", ["build", ...reproducible, "-o", file, "."], {
      cwd: "functions/kubernetes/kubelet",
      env: { ...process.env, ...fixed, ...plain },
    });
  }
}

/** As in `functions/kubernetes/kubelet/Dockerfile`. */
export const reproducible = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="];
