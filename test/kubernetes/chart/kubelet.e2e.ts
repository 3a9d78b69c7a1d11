import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { buildKubeletProvider, providerName } from "../../../scripts/bundle/kubelet.ts";
import { temporaryFolder } from "../support/container.ts";
import { chart, lint, type Manifest, type Rendered, refusal, render, validate } from "./helm.ts";

const options = ["--values", join(chart, "ci/kubelet.yaml")];
const registry = { images: "registry.example/images", function: "https://f.example", registry: "images" };
const plain = { enabled: true, image: { repository: "registry.example/provider" }, registries: [registry] };
const plainOptions = ["--set-json", `kubeletProvider=${JSON.stringify(plain)}`];
const ours = ({ metadata }: Manifest) => /-kubelet(?:-audience)?$/.test(metadata.name);

let all: Rendered;
let standard: Rendered;
beforeAll(async () => {
  [all, standard] = await Promise.all([render(options), render(plainOptions)]);
});

describe("the kubelet's credential provider in the chart", () => {
  test("is off unless it is asked for", async () => {
    expect((await render()).manifests.filter(ours)).toEqual([]);
  });

  // 1.34 is the oldest version whose kubelet sends tokens of service accounts.
  test.each(["1.34.0", "1.37.0"])("is valid for Kubernetes %s, and passes Helm's own lint", async (version) => {
    for (const [rendered, count] of [
      [standard, 5],
      [all, 6],
    ] as const) {
      const found = rendered.manifests.filter(ours);
      expect(found).toHaveLength(count);
      expect((await validate(found, version)).summary).toEqual({ valid: count, invalid: 0, errors: 0, skipped: 0 });
    }
    expect(await lint(options)).toContain("0 chart(s) failed");
  });

  test("lets kubelets ask for tokens of this audience and nothing else, as NodeRestriction looks it up", () => {
    // plugin/pkg/admission/noderestriction/admission.go: the audience is the resource, in the API group of service accounts.
    const role = all.one("ClusterRole", "acme-artifact-registry-kubelet-audience");
    expect(role.rules).toEqual([
      { apiGroups: [""], resources: ["acme"], verbs: ["request-serviceaccounts-token-audience"] },
    ]);
    const nodes = [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:nodes" }];
    const bindings = [...all.all("RoleBinding"), ...all.all("ClusterRoleBinding")].filter(ours);
    expect(bindings.map(({ kind, metadata, subjects }) => [kind, metadata.namespace, subjects])).toEqual([
      ["RoleBinding", "apps", nodes],
      ["RoleBinding", "jobs", nodes],
    ]);
    expect(standard.all("ClusterRoleBinding").filter(ours)).toHaveLength(1);
  });

  test("runs as root with no capability, no token, and one folder of the node", () => {
    for (const rendered of [standard, all]) {
      const pod = rendered.one("DaemonSet").spec.template.spec;
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.volumes.filter(({ hostPath }: { hostPath?: object }) => hostPath)).toHaveLength(1);
      for (const { securityContext, volumeMounts } of [...pod.initContainers, ...pod.containers]) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
        });
        const names = volumeMounts.map(({ name }: { name: string }) => name);
        expect([...names].sort()).toEqual(pod.volumes.map(({ name }: { name: string }) => name).sort());
        for (const { name, readOnly } of volumeMounts) expect(readOnly === true).toBe(name !== "node");
      }
    }
  });

  test("tells the kubelet what the provider answers for", () => {
    const files = all.one("ConfigMap", "acme-artifact-registry-kubelet").data;
    expect(parse(files[`${providerName}.yaml`])).toEqual({
      apiVersion: "kubelet.config.k8s.io/v1",
      kind: "CredentialProviderConfig",
      providers: [
        {
          name: providerName,
          apiVersion: "credentialprovider.kubelet.k8s.io/v1",
          matchImages: [
            "registry.example/acme/images",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "docker.io/acme",
          ],
          defaultCacheDuration: "1m",
          tokenAttributes: { serviceAccountTokenAudience: "acme", cacheType: "Token", requireServiceAccount: true },
          env: [{ name: "HTTPS_PROXY", value: "http://proxy.example:3128" }],
        },
      ],
    });
  });

  test("installs a program that reads its configuration, by the arguments of its pods", async () => {
    const root = await temporaryFolder();
    await buildKubeletProvider(join(root, "built"));
    const program = join(root, providerName);
    writeFileSync(
      program,
      readFileSync(join(root, "built", process.arch === "arm64" ? "arm64" : "amd64", providerName)),
    );
    for (const [index, rendered] of [standard, all].entries()) {
      const place = join(root, `${index}`);
      const files = rendered.one("ConfigMap", "acme-artifact-registry-kubelet").data;
      const { initContainers, containers } = rendered.one("DaemonSet").spec.template.spec;
      const mounted = (argument: string) => (argument.startsWith("/") ? join(place, argument) : argument);
      const given: string[] = initContainers[0].args.map(mounted);
      expect(containers[0].args.filter((each: string) => each !== "-keep")).toEqual(initContainers[0].args);
      for (const file of given.filter((each) => each.includes("/etc/"))) {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, files[basename(file)] ?? "a certificate");
      }
      spawnSync("chmod", ["755", program]);
      expect(spawnSync(program, given, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
      const node = join(place, "node");
      expect(statSync(join(node, providerName)).mode & 0o777).toBe(0o755);
      const certificates = index === 1 ? ["ca.crt"] : [];
      expect(readdirSync(node).sort()).toEqual(
        [providerName, `${providerName}.conf`, `${providerName}.yaml`, ...certificates].sort(),
      );
      // It reads the configuration before it looks for the token, which is not there.
      const input = JSON.stringify({
        kind: "CredentialProviderRequest",
        apiVersion: "credentialprovider.kubelet.k8s.io/v1",
        image: index === 1 ? "docker.io/acme/web" : "registry.example/images/web",
      });
      const { status, stderr } = spawnSync(join(node, providerName), { input, encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("sent no token") });
    }
  });

  test.each<[string, object, RegExp]>([
    ["an image that is nowhere", { image: { repository: "" } }, /name your own image, as docs\/kubelet\.md builds it/],
    ["no registry", { registries: [] }, /kubeletProvider\.registries: name at least one registry/],
    ["a glob in a path", { registries: [{ ...registry, images: "registry.example/*" }] }, /images/],
    ["a function in the clear", { registries: [{ ...registry, function: "http://f.example" }] }, /plainHttp/],
    ["a field that nobody knows", { registries: [{ ...registry, ttl: 60 }] }, /ttl/],
    ["a CA that is nowhere", { registries: [{ ...registry, caFile: "ca.crt" }] }, /caBundle\.configMap names none/],
    ["a folder that is the node's root", { pluginDir: "/" }, /pluginDir/],
    ["a cache that the kubelet does not know", { cacheType: "Pod" }, /cacheType/],
  ])("refuses %s", async (_title, part, message) => {
    expect(await refusal({ kubeletProvider: { ...plain, ...part } })).toMatch(message);
  });
});
