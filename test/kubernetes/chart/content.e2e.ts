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
import { readPullSecretSettings } from "../../../functions/kubernetes/pull-secret/settings.ts";
import { readSettings } from "../../../functions/kubernetes/server/serve.ts";
import { chart, everyOption, type Manifest, type Rendered, render } from "./helm.ts";

let standard: Rendered;
let all: Rendered;
beforeAll(async () => {
  [standard, all] = await Promise.all([render(), render(everyOption)]);
});

const podOf = ({ kind, spec }: Manifest) => (kind === "CronJob" ? spec.jobTemplate.spec.template : spec.template).spec;
const kinds = ["Deployment", "CronJob", "Job"];
const workloads = () => [standard, all].flatMap((each) => kinds.flatMap((kind) => each.all(kind)));
const envOf = (container: { env: { name: string; value?: string }[] }) =>
  Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? ""]));

describe("every pod", () => {
  test("runs as nobody, with a root file system that it cannot write, and with no right", () => {
    for (const workload of workloads()) {
      const pod = podOf(workload);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const { securityContext, volumeMounts, resources } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
        });
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
    expect(ports(all).sort()).toEqual(["http", "metrics"]);
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

describe("a pull secret", () => {
  const of = (kind: string, secret: string) => {
    const roles = [...all.all("Role"), ...all.all("ClusterRole")];
    const role = roles.find(({ rules }) => rules[0].resourceNames[0] === secret);
    const found = all.all(kind).find(({ metadata }) => metadata.name === role?.metadata.name);
    if (!found) throw new Error(`no ${kind} for ${secret}`);
    return found;
  };
  const exactly = (secret: string, ...verbs: string[]) => ({
    apiGroups: [""],
    resources: ["secrets"],
    resourceNames: [secret],
    verbs,
  });
  const events = { apiGroups: [""], resources: ["events"], verbs: ["create"] };

  test.each([
    ["images-pull", "apps", "*/30 * * * *", ["get", "update", "create", "patch"]],
    ["ecr-pull", "registry", "0 */4 * * *", ["get", "update"]],
    ["in-cluster", "registry", "0 */1 * * *", ["get", "update", "create", "patch"]],
  ])("%s has an account of its own, which may do exactly what it needs", (secret, namespace, schedule, verbs) => {
    const role = of("Role", secret);
    expect(role.metadata.namespace).toBe(namespace);
    expect(role.rules).toEqual([exactly(secret, ...verbs), events]);
    const account = of("ServiceAccount", secret).metadata;
    const binding = of("RoleBinding", secret);
    expect(binding.metadata.namespace).toBe(namespace);
    expect(binding.subjects).toEqual([{ kind: "ServiceAccount", name: account.name, namespace: "registry" }]);
    const job = of("CronJob", secret);
    expect([job.spec.schedule, podOf(job).serviceAccountName]).toEqual([schedule, account.name]);
    const [container] = podOf(job).containers;
    expect(container.args).toEqual(["/app/refresh.js"]);
    expect(readPullSecretSettings(envOf(container))).toMatchObject({ name: secret, namespace, registry: "images" });
  });

  test("of many namespaces has rights in all of them, on this name alone", () => {
    const role = of("ClusterRole", "everywhere");
    expect(role.metadata).not.toHaveProperty("namespace");
    expect(role.rules).toEqual([
      exactly("everywhere", "get", "update", "create", "patch"),
      events,
      { apiGroups: [""], resources: ["serviceaccounts"], resourceNames: ["default", "builder"], verbs: ["patch"] },
      { apiGroups: [""], resources: ["namespaces"], verbs: ["list"] },
    ]);
    const binding = of("ClusterRoleBinding", "everywhere");
    expect(binding.subjects).toEqual([{ kind: "ServiceAccount", name: role.metadata.name, namespace: "registry" }]);
    expect(readPullSecretSettings(envOf(podOf(of("CronJob", "everywhere")).containers[0]))).toMatchObject({
      name: "everywhere",
      namespace: undefined,
      namespaceSelector: "example.com/pull=images",
      create: true,
      serviceAccounts: ["default", "builder"],
    });
  });

  test("is in no template, so that no apply of one empties it", () => {
    expect(all.all("Secret").map(({ metadata }) => metadata.name)).toEqual(["acme-registry-pages"]);
    expect(envOf(podOf(of("CronJob", "ecr-pull")).containers[0]).PULL_SECRET_CREATE).toBe("false");
  });

  test("is filled after installation and upgrade by a Job of the same pod, unless that is not wanted", () => {
    const jobs = all.all("Job");
    expect(jobs).toHaveLength(3);
    for (const { metadata, spec } of jobs) {
      expect(metadata.annotations).toMatchObject({
        "helm.sh/hook": "post-install,post-upgrade",
        "argocd.argoproj.io/hook": "PostSync",
      });
      // An apply of a rendered template makes it anew: it cannot be changed, and goes by itself.
      expect(spec.ttlSecondsAfterFinished).toBe(600);
      const cron = all.all("CronJob").find((each) => metadata.name.startsWith(`${each.metadata.name}-`));
      expect(spec.template).toEqual(cron?.spec.jobTemplate.spec.template);
    }
  });

  test("whose pod changes has a Job of another name", async () => {
    const changed = await render([...everyOption, "--set", "image.tag=other", "--set", "image.digest="]);
    const names = (chart: Rendered) => chart.all("Job").map(({ metadata }) => metadata.name);
    expect(names(changed).filter((name) => names(all).includes(name))).toEqual([]);
    expect(names(await render(everyOption))).toEqual(names(all));
  });

  test("from a function needs its token and none of the registry's accounts", () => {
    const volumes = (secret: string) => podOf(of("CronJob", secret)).volumes.map(({ name }: { name: string }) => name);
    expect(volumes("ecr-pull")).toEqual(["cluster", "function", "ca-bundle"]);
    expect(volumes("images-pull")).toEqual(["cluster", "secret-robot", "secret-pull", "ca-bundle"]);
    expect(podOf(of("CronJob", "ecr-pull")).containers[0]).not.toHaveProperty("envFrom");
  });

  test("adds no right to the server's own account", () => {
    const server = podOf(all.one("Deployment")).serviceAccountName;
    const subjects = [...all.all("RoleBinding"), ...all.all("ClusterRoleBinding")].flatMap((binding) =>
      binding.subjects.map((each: { name: string }) => each.name),
    );
    expect(subjects).not.toContain(server);
    expect(standard.all("Role")).toEqual([]);
    expect(standard.all("ClusterRole")).toEqual([]);
  });
});
