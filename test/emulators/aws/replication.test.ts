import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  GetRepositoryPolicyCommand,
  ListTagsForResourceCommand,
  PutReplicationConfigurationCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { beforeAll, expect, test } from "vitest";
import { pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { clients, HOME, OTHER, policy, refused, registryClient, useEmulator } from "./support.ts";

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
