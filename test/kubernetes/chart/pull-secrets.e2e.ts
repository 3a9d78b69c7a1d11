import { beforeAll, describe, expect, test } from "vitest";
import { readPullSecretSettings } from "../../../functions/kubernetes/pull-secret/settings.ts";
import { envOf, everyOption, podOf, type Rendered, render } from "./helm.ts";

let standard: Rendered;
let all: Rendered;
beforeAll(async () => {
  [standard, all] = await Promise.all([render(), render(everyOption)]);
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
    expect(volumes("ecr-pull")).toEqual(["cluster", "function", "ca-bundle", "keys"]);
    expect(volumes("images-pull")).toEqual(["cluster", "secret-robot", "secret-pull", "ca-bundle", "keys"]);
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
