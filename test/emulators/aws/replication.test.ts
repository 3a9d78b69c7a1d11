import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  GetRepositoryPolicyCommand,
  ListTagsForResourceCommand,
  PutReplicationConfigurationCommand,
  SetRepositoryPolicyCommand,
  StartReplicationBackfillCommand,
} from "@aws-sdk/client-ecr";
import { beforeAll, expect, test } from "vitest";
import { pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { allow, clients, HOME, OTHER, policy, refused, registryClient, useEmulator } from "./support.ts";

const aws = useEmulator({ regions: ["us-east-1", "eu-west-1"] });
const ecr = (region = "us-east-1") => clients(aws(), aws().admin(), region).ecr;
const image = buildImage({ seed: "replica", layers: [10_000] });
const create = (repositoryName: string) =>
  ecr().send(new CreateRepositoryCommand({ repositoryName, tags: [{ Key: "owner", Value: "suite" }] }));
const push = async (name: string, tag: string) =>
  pushImage(await registryClient(aws(), aws().admin()), name, tag, image);

beforeAll(async () => {
  await create("images-app");
  await push("images-app", "before");
  const rules = [
    {
      destinations: [{ region: "eu-west-1", registryId: HOME }],
      repositoryFilters: [{ filter: "images", filterType: "PREFIX_MATCH" as const }],
    },
  ];
  await ecr().send(new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } }));
});

test("what was pushed before the rule is never copied, and nothing by itself", async () => {
  expect(await aws().replicate()).toEqual([]);
  expect((await refused(ecr("eu-west-1").send(new DescribeImagesCommand({ repositoryName: "images-app" })))).name).toBe(
    "RepositoryNotFoundException",
  );
});

test("an image is copied to a repository without policy and tags, and its event tells where", async () => {
  const policyText = policy({ Effect: "Allow", Principal: { AWS: OTHER }, Action: "ecr:BatchGetImage" });
  await ecr().send(new SetRepositoryPolicyCommand({ repositoryName: "images-app", policyText }));
  await push("images-app", "v1");
  const resource = `arn:aws:ecr:eu-west-1:${HOME}:repository/images-app`;
  expect(await aws().replicate()).toEqual([
    {
      version: "0",
      id: expect.any(String),
      "detail-type": "ECR Replication Action",
      source: "aws.ecr",
      account: HOME,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: "eu-west-1",
      resources: [resource],
      detail: {
        result: "SUCCESS",
        "repository-name": "images-app",
        "image-digest": image.manifest.digest,
        "image-tag": "v1",
        "source-account": HOME,
        "action-type": "REPLICATE",
        "source-region": "us-east-1",
      },
    },
  ]);
  const there = await registryClient(aws(), aws().admin(), "eu-west-1");
  expect(await pullImage(there, "images-app", "v1")).toEqual(image);
  const repositoryName = "images-app";
  expect((await refused(ecr("eu-west-1").send(new GetRepositoryPolicyCommand({ repositoryName })))).name).toBe(
    "RepositoryPolicyNotFoundException",
  );
  expect((await ecr("eu-west-1").send(new ListTagsForResourceCommand({ resourceArn: resource }))).tags).toEqual([]);
  expect(await aws().replicate()).toEqual([]);
});

test("an image of several platforms arrives whole", async () => {
  const index = buildIndex({ seed: "replica-index", layers: [100] });
  await pushImage(await registryClient(aws(), aws().admin()), "images-app", "multi", index);
  expect(await aws().replicate()).toHaveLength(3);
  expect(await pullImage(await registryClient(aws(), aws().admin(), "eu-west-1"), "images-app", "multi")).toEqual(
    index,
  );
});

test("a repository that the filter leaves out stays at home", async () => {
  await create("builds-app");
  await push("builds-app", "v1");
  expect(await aws().replicate()).toEqual([]);
  const names = (await ecr("eu-west-1").send(new DescribeRepositoriesCommand({}))).repositories;
  expect(names?.map(({ repositoryName }) => repositoryName)).toEqual(["images-app"]);
});

const backfill = (region: string, registryId: string = HOME) =>
  ecr().send(new StartReplicationBackfillCommand({ destination: { region, registryId } }));

test("a backfill copies what was pushed before the rule, one at a time to a destination", async () => {
  const { replicationBackfillId, ...started } = await backfill("eu-west-1");
  expect([replicationBackfillId, started]).toEqual([
    expect.any(String),
    expect.objectContaining({
      registryId: HOME,
      destination: { region: "eu-west-1", registryId: HOME },
      status: "PREPARING",
      startedAt: expect.any(Date),
    }),
  ]);
  expect((await refused(backfill("eu-west-1"))).name).toBe("ReplicationBackfillInProgressException");
  const copied = (await aws().replicate()).map(({ detail }) => detail["image-tag"]);
  expect(copied).toContain("before");
  expect(await pullImage(await registryClient(aws(), aws().admin(), "eu-west-1"), "images-app", "before")).toEqual(
    image,
  );
  await backfill("eu-west-1");
  await aws().replicate();
});

test.each([
  ["another region", "us-west-2", HOME],
  ["another account", "eu-west-1", OTHER],
])("no backfill goes where no rule does: %s", async (_, region, account) => {
  expect((await refused(backfill(region, account))).name).toBe("ValidationException");
});

test("ten backfills run at once", async () => {
  const regions = Array.from({ length: 11 }, (_, n) => `${["us", "eu"][n % 2]}-north-${n % 9}`);
  const rules = [{ destinations: regions.map((region) => ({ region, registryId: HOME })) }];
  await ecr().send(new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } }));
  for (const region of regions.slice(0, 10)) await backfill(region);
  expect((await refused(backfill(regions[10] ?? ""))).name).toBe("LimitExceededException");
});

test("who may replicate may not therefore backfill, and who may backfill may", async () => {
  const start = (name: string, ...actions: string[]) => {
    const role = aws().role(HOME, name, { policies: actions.map((action) => allow(action)) });
    const { ecr: client } = clients(aws(), aws().credentialsFor(role));
    return client.send(
      new StartReplicationBackfillCommand({ destination: { region: "us-north-0", registryId: HOME } }),
    );
  };
  const others = ["ecr:PutReplicationConfiguration", "ecr:PutRegistryScanningConfiguration"];
  expect((await refused(start("replicator", ...others))).name).toBe("AccessDeniedException");
  expect((await refused(start("backfiller", "ecr:StartReplicationBackfill"))).name).toBe(
    "ReplicationBackfillInProgressException",
  );
});
