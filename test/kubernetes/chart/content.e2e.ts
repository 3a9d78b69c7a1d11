import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createDirectory } from "../../../core/bindings.ts";
import { parseIssuers } from "../../../core/oidc-issuers.ts";
import { readPageKey } from "../../../core/pages.ts";
import { callerFields, ruleFields } from "../../../core/rules.ts";
import { parseRules } from "../../../core/rules-source.ts";
import { platform } from "../../../functions/kubernetes/index.ts";
import { readSettings } from "../../../functions/kubernetes/server/serve.ts";
import { chart, envOf, everyOption, type Manifest, podOf, type Rendered, render } from "./helm.ts";

let standard: Rendered;
let all: Rendered;
let openshift: Rendered;
beforeAll(async () => {
  const file = (name: string) => ["--values", join(chart, "ci", name)];
  [standard, all, openshift] = await Promise.all([render(), render(everyOption), render(file("openshift.yaml"))]);
});

const kinds = ["Deployment", "CronJob", "Job"];
const workloadsOf = (chart: Rendered) => kinds.flatMap((kind) => chart.all(kind));
const workloads = () => [standard, all, openshift].flatMap(workloadsOf);

describe("every pod", () => {
  const nothing = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
  };
  const noRoot = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };

  test("runs as nobody by default, as who is named, or as whom the platform chooses", () => {
    for (const workload of workloadsOf(standard)) {
      const nobody = { runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001 };
      expect(podOf(workload).securityContext).toEqual({ ...noRoot, ...nobody });
    }
    for (const workload of workloadsOf(all)) {
      const named = { runAsUser: 20002, runAsGroup: 20002, fsGroup: 20002, supplementalGroups: [3000] };
      expect(podOf(workload).securityContext).toEqual({ ...noRoot, ...named });
      expect(podOf(workload).containers[0].securityContext).toEqual({ ...nothing, runAsUser: 20003 });
    }
    // OpenShift's restricted-v2 refuses every user and group that is not of the namespace's own range.
    expect(workloadsOf(openshift)).toHaveLength(3);
    for (const workload of workloadsOf(openshift)) {
      expect(podOf(workload).securityContext).toEqual(noRoot);
      expect(podOf(workload).containers.map((each: Manifest) => each.securityContext)).toEqual([nothing]);
    }
  });

  test("has a root file system that it cannot write, and no right", () => {
    for (const workload of workloads()) {
      for (const { securityContext, volumeMounts = [], resources } of podOf(workload).containers) {
        expect(securityContext).toMatchObject(nothing);
        for (const mount of volumeMounts) expect(mount.readOnly).toBe(true);
        expect(resources.limits.memory).toBeDefined();
      }
    }
  });

  test("gets no token but those that it asks for, and every volume that it mounts", () => {
    for (const workload of workloads()) {
      const pod = podOf(workload);
      expect(pod.automountServiceAccountToken).toBe(false);
      const volumes = pod.volumes.map(({ name }: { name: string }) => name);
      const mounts = pod.containers[0].volumeMounts.map(({ name }: { name: string }) => name);
      expect([...mounts].sort()).toEqual([...volumes].sort());
    }
  });
});

describe("the server", () => {
  test("reads what the chart writes: settings, bindings, issuers, rules", () => {
    for (const chart of [standard, all]) {
      const name = chart.one("Deployment").metadata.name;
      const env = { ...chart.one("ConfigMap", name).data, ...chart.one("ConfigMap", `${name}-server`).data };
      expect(() => readSettings(env)).not.toThrow();
      expect(parseIssuers(env.ALIEN_OIDC_ISSUERS)[0]).toMatchObject({
        jwksUri: "https://kubernetes.default.svc/openid/v1/jwks",
        caFile: "/var/run/secrets/artifact-registry/cluster/ca.crt",
        tokenFile: "/var/run/secrets/artifact-registry/cluster/token",
      });
      parseRules(chart.one("ConfigMap", `${name}-rules`).data["access-rules.json"]);
      const names = env.ALIEN_REGISTRIES.split(",").filter(Boolean);
      expect([...createDirectory(platform, env, names).names()].sort()).toEqual(names);
    }
  });

  test("has the key of its page tokens from a Secret: the chart's, or one that is named", async () => {
    for (const each of [standard, all]) {
      const { metadata, data } = each.one("Secret");
      const [, variable] = podOf(each.one("Deployment")).containers[0].env;
      expect(variable).toEqual({
        name: "ALIEN_PAGE_KEY",
        valueFrom: { secretKeyRef: { name: metadata.name, key: "key" } },
      });
      expect(readPageKey({ ALIEN_PAGE_KEY: Buffer.from(data.key, "base64").toString() }).lasting).toBe(true);
    }
    const named = await render([], { server: { pageKey: { existingSecret: "ours", key: "pages" } } });
    expect(named.all("Secret")).toEqual([]);
    expect(podOf(named.one("Deployment")).containers[0].env[1].valueFrom).toEqual({
      secretKeyRef: { name: "ours", key: "pages" },
    });
  });

  test("rolls its pods for no new key of page tokens", async () => {
    const annotations = async () => (await render()).one("Deployment").spec.template.metadata.annotations;
    expect(await annotations()).toEqual(await annotations());
  });

  test("reads rules and issuers as they were written, with every field that there is", async () => {
    const { accessRules, oidc } = parse(readFileSync(join(chart, "ci/every-option.yaml"), "utf8"));
    const name = all.one("Deployment").metadata.name;
    const rules = parseRules(all.one("ConfigMap", `${name}-rules`).data["access-rules.json"]);
    expect(rules).toEqual(accessRules);
    const keysOf = (objects: readonly object[]) => [...new Set(objects.flatMap((each) => Object.keys(each)))].sort();
    expect(keysOf(rules)).toEqual(ruleFields.map((each) => each.name).sort());
    expect(keysOf(rules.flatMap(({ callers }) => callers))).toEqual(callerFields.map((each) => each.name).sort());
    const [, ...issuers] = parseIssuers(all.one("ConfigMap", `${name}-server`).data.ALIEN_OIDC_ISSUERS);
    expect(issuers).toEqual(oidc.issuers);
  });

  test("has time to drain and to finish before it is killed", () => {
    for (const [chart, drain, operation] of [
      [standard, 5, 25],
      [all, 15, 40],
    ] as const) {
      expect(podOf(chart.one("Deployment")).terminationGracePeriodSeconds).toBeGreaterThan(drain + operation + 2);
    }
  });

  test("rolls when its configuration changes", async () => {
    const other = await render([], {
      accessRules: [{ callers: [], operations: [], registries: [], repositories: [] }],
    });
    const sum = (chart: Rendered) => chart.one("Deployment").spec.template.metadata.annotations["checksum/config"];
    expect(sum(other)).not.toBe(sum(standard));
    expect(sum(await render())).toBe(sum(standard));
  });

  test("has no Service that shows its metrics unless Prometheus is to find them", () => {
    const ports = (chart: Rendered) =>
      chart.all("Service").flatMap(({ spec }) => spec.ports.map((port: { targetPort: string }) => port.targetPort));
    expect(ports(standard)).toEqual(["http"]);
    expect(ports(all).sort()).toEqual(["https", "metrics"]);
  });

  test("speaks HTTPS with the certificate of a Secret, to its probes too, and plain HTTP without one", () => {
    const probesOf = (chart: Rendered) => {
      const { startupProbe, livenessProbe, readinessProbe } = podOf(chart.one("Deployment")).containers[0];
      return [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => [httpGet.port, httpGet.scheme]);
    };
    expect(probesOf(standard)).toEqual(Array(3).fill(["http", "HTTP"]));
    expect(probesOf(all)).toEqual(Array(3).fill(["https", "HTTPS"]));
    const [server] = podOf(all.one("Deployment")).containers;
    expect(envOf(server)).toMatchObject({
      TLS_CERT_FILE: "/etc/artifact-registry/tls/chain.pem",
      TLS_KEY_FILE: "/etc/artifact-registry/tls/key.pem",
    });
    expect(envOf(podOf(standard.one("Deployment")).containers[0])).not.toHaveProperty("TLS_CERT_FILE");
    const volume = podOf(all.one("Deployment")).volumes.find(({ name }: { name: string }) => name === "tls");
    expect(volume.secret).toEqual({ secretName: "acme-registry-tls", defaultMode: 0o440 });
    expect(server.volumeMounts).toContainEqual({
      name: "tls",
      mountPath: "/etc/artifact-registry/tls",
      readOnly: true,
    });
    const [port] = all.one("Service", "acme-registry").spec.ports;
    expect(port).toMatchObject({ name: "https", targetPort: "https", appProtocol: "https" });
    expect(server.ports[0]).toMatchObject({ name: "https", containerPort: 8443 });
  });

  test("is reached through an Ingress and an HTTPRoute, by the port of its Service, if that is wished", () => {
    expect([...standard.all("Ingress"), ...standard.all("HTTPRoute")]).toEqual([]);
    const { metadata, spec } = all.one("Service", "acme-registry");
    const [{ name, port }] = spec.ports;
    const ingress = all.one("Ingress");
    expect(ingress.metadata.annotations).toEqual({ "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" });
    expect(ingress.spec.ingressClassName).toBe("nginx");
    const backend = { service: { name: metadata.name, port: { name } } };
    const paths = [{ path: "/", pathType: "Prefix", backend }];
    const hosts = ["functions.example", "functions.acme.example"];
    expect(ingress.spec.rules).toEqual(hosts.map((host) => ({ host, http: { paths } })));
    expect(ingress.spec.tls).toEqual([{ secretName: "functions-tls", hosts }]);
    expect(all.one("HTTPRoute").spec).toEqual({
      parentRefs: [{ name: "public", namespace: "gateways", sectionName: "https" }],
      hostnames: ["functions.example"],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          backendRefs: [{ name: metadata.name, port }],
        },
      ],
    });
  });

  test("has other containers before and beside it, and its refreshers have none, which would never end", () => {
    const pod = podOf(all.one("Deployment"));
    const names = (containers: { name: string }[]) => containers.map(({ name }) => name);
    expect([names(pod.initContainers), names(pod.containers)]).toEqual([["wait"], ["server", "audit"]]);
    for (const job of all.all("CronJob")) {
      expect(podOf(job)).not.toHaveProperty("initContainers");
      expect(names(podOf(job).containers)).toEqual(["refresh"]);
    }
  });

  test("has what is added to environment and volumes, and so have its refreshers", () => {
    for (const workload of workloadsOf(all)) {
      const [container] = podOf(workload).containers;
      expect(envOf(container)).toMatchObject({ HTTPS_PROXY: "http://proxy.example:3128", NO_PROXY: ".svc,10.0.0.0/8" });
      expect(container.volumeMounts).toContainEqual(expect.objectContaining({ mountPath: "/var/run/secrets/keys" }));
    }
    const own = (workload: Manifest) => envOf(podOf(workload).containers[0]).NODE_OPTIONS;
    expect(own(all.one("Deployment"))).toBe("--max-old-space-size=192");
    expect(all.all("CronJob").map(own)).toEqual(Array(4).fill(undefined));
  });

  test("leaves the number of its pods to the autoscaler where there is one", () => {
    expect(standard.one("Deployment").spec.replicas).toBe(2);
    expect(all.one("Deployment").spec).not.toHaveProperty("replicas");
    expect(all.one("HorizontalPodAutoscaler").spec.scaleTargetRef.name).toBe(all.one("Deployment").metadata.name);
  });

  test("is selected by its Service, its budget and its policy, and refreshers by none but the policy", () => {
    const fits = (labels: Record<string, string>, wanted: Record<string, string>) =>
      Object.entries(wanted).every(([key, value]) => labels[key] === value);
    const server = all.one("Deployment").spec.template.metadata.labels;
    const job = all.all("CronJob")[0]?.spec.jobTemplate.spec.template.metadata.labels;
    const policy = all.one("NetworkPolicy").spec.podSelector.matchLabels;
    expect([fits(server, policy), fits(job, policy)]).toEqual([true, true]);
    const others = [
      all.one("Deployment").spec.selector.matchLabels,
      all.one("PodDisruptionBudget").spec.selector.matchLabels,
      ...all.all("Service").map(({ spec }) => spec.selector),
    ];
    for (const selector of others) expect([fits(server, selector), fits(job, selector)]).toEqual([true, false]);
  });
});
