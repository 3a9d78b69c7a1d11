import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { A, makeConsumers, roleOf, whoMay } from "./support/consumers.ts";
import { access, imageOf, startRegistry, type TestRegistry } from "./support/registry.ts";

const partitions = [
  { partition: "aws-cn", region: "cn-north-1", replica: "cn-northwest-1", suffix: "amazonaws.com.cn" },
  { partition: "aws-us-gov", region: "us-gov-west-1", replica: "us-gov-east-1", suffix: "amazonaws.com" },
] as const;

describe.each(partitions)("in $partition", ({ partition, region, replica, suffix }) => {
  let registry: TestRegistry;
  const host = `111122223333.dkr.ecr.${region}.${suffix}`;
  beforeAll(async () => {
    registry = await startRegistry({ partition, region, replicaRegions: [replica] });
    makeConsumers(registry.emulator);
  });
  afterAll(async () => {
    await registry.suite.stop();
    await registry.stack.stop();
  });

  test("the registry is where this partition's are", async () => {
    const { registryEndpoint, health } = await registry.suite.ok("describeRegistry", { registry: "images" });
    expect([registryEndpoint, health.status]).toEqual([`https://${host}`, "healthy"]);
  });

  test("a repository is made, pushed, pulled at its URI, and deleted", async () => {
    const { suite, emulator } = registry;
    const { name, uri } = await suite.ok("createRepository", { registry: "images", name: "app" });
    expect(uri).toBe(`${host}/images-app`);
    const image = imageOf(name);
    for (const permissions of ["push-pull", "pull"]) {
      const credentials = await suite.ok("generateCredentials", { registry: "images", repoId: name, permissions });
      const client = createClient({ url: emulator.reach(String(uri)), credentials });
      if (permissions === "push-pull") await pushImage(client, name, "1.0", image);
      expect(await pullImage(client, name, "1.0")).toEqual(image);
    }
    await suite.ok("deleteRepository", { registry: "images", repoId: name });
    expect((await suite.refused("getRepository", { registry: "images", repoId: name })).body.code).toBe(
      "RESOURCE_NOT_FOUND",
    );
  });

  test("accounts, roles and functions are granted at home and at the replica", async () => {
    const name = await registry.repository();
    const worker = { accountIds: [A], regions: [replica], allowedServiceTypes: ["worker" as const] };
    await registry.add(name, { ...worker, roleArns: [roleOf(registry.emulator, A, "ci")] });
    expect(await whoMay(registry, name, [region, replica])).toEqual(["A/app", "A/ci", `A@${replica}`]);
    expect(JSON.stringify(await registry.statements(name))).not.toContain("arn:aws:");
    await registry.remove(name, { accountIds: [A] });
    expect(await whoMay(registry, name, [region, replica])).toEqual(["A/ci"]);
  });

  test("a role of the commercial partition is refused", async () => {
    const refused = await registry.suite.refused("addCrossAccountAccess", {
      registry: "images",
      repoId: "images",
      access: access({ roleArns: [`arn:aws:iam::${A}:role/ci`] }),
    });
    expect(refused.body).toMatchObject({ code: "INVALID_INPUT", context: { field: "access.roleArns.0" } });
    expect(refused.body.hint).toContain(`arn:${partition}:iam::`);
  });
});
