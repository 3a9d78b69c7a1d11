import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { architectures, buildKubeletProvider, providerName } from "../../../scripts/bundle/kubelet.ts";
import { tool } from "../../tools/tools.ts";
import type { Image } from "../image/build.ts";
import { startContainer } from "../image/container.ts";

const folder = mkdtempSync(join(tmpdir(), "installer-"));
beforeAll(() => buildKubeletProvider(join(folder, "built")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The Dockerfile's last stage for one kind of node, over the program that its first stage builds by the same command. */
function buildInstaller(architecture: "amd64" | "arm64"): Image {
  const text = readFileSync("functions/kubernetes/kubelet/Dockerfile", "utf8");
  const [stage = "", context, layout] = [
    /^FROM scratch[\s\S]*/m.exec(text)?.[0],
    join(folder, "context"),
    join(folder, architecture),
  ];
  mkdirSync(context, { recursive: true });
  writeFileSync(join(folder, "Containerfile"), stage);
  const places = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
  const buildah = (...args: string[]) =>
    execFileSync(tool("buildah"), [...places, ...args], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const from = `build=${join(folder, "built", architecture)}`;
  const build = ["build", "--isolation", "chroot", "--layers=false", "--quiet", "--arch", architecture];
  buildah(...build, "--build-context", from, "--tag", "localhost/installer", "--file", "Containerfile", context);
  buildah("push", "--quiet", "localhost/installer", `oci:${layout}:latest`);
  const blob = (digest: string) => JSON.parse(readFileSync(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
  const [manifest] = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests;
  const { config, ...about } = blob(blob(manifest.digest).config.digest);
  return { reference: `${layout}:latest`, config, architecture: about.architecture };
}

test.each(architectures)("the image for %s holds the program and nothing else", (architecture) => {
  const { reference, config, architecture: told } = buildInstaller(architecture);
  expect({ ...config, told }).toMatchObject({ told: architecture, Entrypoint: [`/${providerName}`], Cmd: ["install"] });
  const bundle = join(folder, `${architecture}-unpacked`);
  execFileSync(tool("umoci"), ["unpack", "--image", reference, bundle], { stdio: ["ignore", "ignore", "inherit"] });
  const found = execFileSync("find", [join(bundle, "rootfs"), "-type", "f"], { encoding: "utf8" }).trim();
  expect(found).toBe(join(bundle, "rootfs", providerName));
});

const title = "a container for %s installs the program, with a root that it cannot write, and without a capability";
test.each(architectures)(title, async (architecture) => {
  const image = buildInstaller(architecture);
  const installing = startContainer(image, folder, { args: ["install", "-to", "/dev/shm/plugins"] });
  expect(await installing.ended).toBe(0);
  expect(installing.stdout()).toBe(`installed /dev/shm/plugins/${providerName}\n`);
  const keeping = startContainer(image, folder, { args: ["install", "-to", "/dev/shm/plugins", "-keep"] });
  await expect.poll(keeping.stdout).toContain("installed");
  keeping.signal("SIGTERM");
  expect(await keeping.ended).toBe(0);
  const untold = startContainer(image, folder);
  expect(await untold.ended).toBe(1);
  expect(untold.stderr()).toContain("install needs -to");
});
