import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { describe, expect, test } from "vitest";
import { everyOption, lint, type Manifest, render, validate } from "./helm.ts";

/** The oldest version that the chart asks for, and the newest whose schemas are to be had. */
const versions = ["1.27.0", "1.37.0"];
const isOfTheApi = ({ apiVersion }: Manifest) => !/^(?:monitoring\.coreos\.com|gateway\.networking)/.test(apiVersion);

describe.each([
  ["its defaults", [], 9],
  ["every option on", everyOption, 33],
] as const)("the chart with %s", (_title, args, count) => {
  test.each(versions)("is valid for Kubernetes %s", async (version) => {
    const { manifests } = await render(args);
    expect(manifests).toHaveLength(count);
    const ofTheApi = manifests.filter(isOfTheApi);
    const { resources, summary } = await validate(ofTheApi, version);
    expect(resources ?? []).toEqual([]);
    expect(summary).toEqual({ valid: ofTheApi.length, invalid: 0, errors: 0, skipped: 0 });
  });

  test("has no name twice, and everything in a namespace", async () => {
    const { manifests } = await render(args);
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { kind, metadata } of manifests) {
      if (kind.startsWith("ClusterRole")) expect(metadata).not.toHaveProperty("namespace");
      else expect(metadata.namespace).toMatch(/^(?:registry|apps)$/);
    }
  });

  test("passes Helm's own lint", async () => {
    expect(await lint([...args])).toContain("0 chart(s) failed");
  });
});

test("the ServiceMonitor is one to the Prometheus operator", async () => {
  const { apiVersion: _, kind: _kind, ...monitor } = (await render(everyOption)).one("ServiceMonitor");
  expect(() => new ServiceMonitor(monitor as never).validate()).not.toThrow();
  expect(() => new ServiceMonitor({ ...monitor, spec: { endpoints: [] } } as never).validate()).toThrow(/selector/);
});

test("the HTTPRoute is one to the Gateway API", async () => {
  const { apiVersion: _, kind: _kind, ...route } = (await render(everyOption)).one("HTTPRoute");
  expect(() => new HTTPRoute(route as never).validate()).not.toThrow();
  const broken = { ...route, spec: { ...route.spec, rules: [{ matches: [{ path: { type: "Somehow" } }] }] } };
  expect(() => new HTTPRoute(broken as never).validate()).toThrow(/type/);
});

test("the validation says no", async () => {
  const deployment = (await render()).one("Deployment");
  const broken = [
    { ...deployment, spec: { ...deployment.spec, replicas: "two" } },
    { ...deployment, metadata: { ...deployment.metadata, name: "b" }, spec: { ...deployment.spec, replica: 2 } },
    { ...deployment, metadata: { ...deployment.metadata, name: "c" }, spec: { replicas: 2 } },
  ];
  const { summary } = await validate(broken, "1.37.0");
  expect(summary).toMatchObject({ valid: 0, invalid: 3 });
});
