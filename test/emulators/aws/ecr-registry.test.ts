import {
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DescribeRegistryCommand,
  GetLifecyclePolicyCommand,
  PutLifecyclePolicyCommand,
  PutReplicationConfigurationCommand,
  type ReplicationRule,
} from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import { allow, clients, HOME, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
const ecr = () => clients(aws()).ecr;
const put = (rules: ReplicationRule[]) =>
  ecr().send(new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } }));
const rule = (filter: string, ...regions: string[]): ReplicationRule => ({
  destinations: regions.map((region) => ({ region, registryId: HOME })),
  repositoryFilters: [{ filter, filterType: "PREFIX_MATCH" }],
});

describe("the replication configuration", () => {
  test("is empty, and then wholly what was put last", async () => {
    const read = async () => (await ecr().send(new DescribeRegistryCommand({}))).replicationConfiguration?.rules;
    expect(await read()).toEqual([]);
    await put([rule("images", "eu-west-1")]);
    await put([rule("builds", "eu-west-1", "us-west-2")]);
    expect(await read()).toEqual([rule("builds", "eu-west-1", "us-west-2")]);
    await put([]);
    expect(await read()).toEqual([]);
  });

  const regions = Array.from({ length: 26 }, (_, i) => `${["eu", "us", "ap"][i % 3]}-west-${i % 9}`);
  const places = (count: number): ReplicationRule => ({
    destinations: Array.from({ length: count }, (_, i) => ({
      region: "eu-west-1",
      registryId: String(100_000_000_000 + i),
    })),
  });
  test("has 25 rules and 25 destinations at most", async () => {
    await put(Array.from({ length: 25 }, (_, i) => rule(`images${i}`, "eu-west-1")));
    expect((await refused(put(regions.map(() => rule("images", "eu-west-1"))))).name).toBe("InvalidParameterException");
    await put([places(25)]);
    expect((await refused(put([places(26)]))).name).toBe("InvalidParameterException");
  });

  const wrong: Record<string, ReplicationRule> = {
    "a filter of one character": rule("i", "eu-west-1"),
    "a filter of 257 characters": rule("i".repeat(257), "eu-west-1"),
    "a wildcard in a filter": rule("images*", "eu-west-1"),
    "itself as the destination": rule("images", "us-east-1"),
    "a region that is none": rule("images", "everywhere"),
    "no destination": rule("images"),
  };
  test.each(Object.entries(wrong))("does not take %s", async (_, one) => {
    expect((await refused(put([one]))).name).toBe("InvalidParameterException");
  });

  test("needs the service-linked role to be made the first time, and not again", async () => {
    const policies = allow("ecr:PutReplicationConfiguration");
    const limited = aws().credentialsFor(aws().role("444455556666", "provisioner", { policies }));
    const send = (credentials: typeof limited) =>
      clients(aws(), credentials).ecr.send(
        new PutReplicationConfigurationCommand({ replicationConfiguration: { rules: [] } }),
      );
    expect((await refused(send(limited))).message).toContain("iam:CreateServiceLinkedRole");
    await send(aws().admin("444455556666"));
    await send(limited);
  });
});

describe("a lifecycle policy", () => {
  const keepLast = JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        description: "keep the last ten",
        selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 10 },
        action: { type: "expire" },
      },
    ],
  });

  test("is put, read and deleted", async () => {
    const repositoryName = "images-lifecycle";
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    const get = () => ecr().send(new GetLifecyclePolicyCommand({ repositoryName }));
    expect((await refused(get())).name).toBe("LifecyclePolicyNotFoundException");
    await ecr().send(new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText: keepLast }));
    expect((await get()).lifecyclePolicyText).toBe(keepLast);
    await ecr().send(new DeleteLifecyclePolicyCommand({ repositoryName }));
    expect((await refused(get())).name).toBe("LifecyclePolicyNotFoundException");
  });

  test.each([
    ["no JSON", `{${" ".repeat(100)}`],
    ["no rules", JSON.stringify({ rules: [], filler: "x".repeat(100) })],
    ["an unknown action", keepLast.replace("expire", "archive")],
    ["tags without a prefix", keepLast.replace("any", "tagged")],
  ])("with %s is refused", async (_, lifecyclePolicyText) => {
    const command = new PutLifecyclePolicyCommand({ repositoryName: "images-lifecycle", lifecyclePolicyText });
    expect((await refused(ecr().send(command))).name).toBe("InvalidParameterException");
  });
});
