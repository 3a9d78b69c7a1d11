import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  PutReplicationConfigurationCommand,
} from "@aws-sdk/client-ecr";
import { CreateRoleCommand } from "@aws-sdk/client-iam";
import { expect, onTestFinished, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { type AwsEmulator, type EmulatorOptions, startAwsEmulator } from "./index.ts";
import { allow, assume, clients, HOME, policy, refused, registryClient } from "./support.ts";

const started = async (options: EmulatorOptions): Promise<AwsEmulator> => {
  const aws = await startAwsEmulator({ accounts: [HOME], ...options });
  onTestFinished(() => aws.stop());
  return aws;
};
const image = buildImage({ seed: "behaviour" });

test("another partition has its own ARNs and hosts", async () => {
  const aws = await started({ partition: "aws-cn", regions: ["cn-north-1"] });
  const role = aws.role(HOME, "function", { policies: allow("ecr:*", "arn:aws-cn:ecr:cn-north-1:*:*") });
  const { ecr } = clients(aws, await assume(aws, aws.admin(), { RoleArn: role }), "cn-north-1");
  const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: "images-app" }));
  expect(repository).toMatchObject({
    repositoryArn: `arn:aws-cn:ecr:cn-north-1:${HOME}:repository/images-app`,
    repositoryUri: `${HOME}.dkr.ecr.cn-north-1.amazonaws.com.cn/images-app`,
  });
  expect(aws.reach(repository?.repositoryUri ?? "")).toBe(aws.registryUrl("cn-north-1"));
});

test("a real address leads to the port that stands for it, or nowhere", async () => {
  const aws = await started({});
  expect(aws.reach(`https://${HOME}.dkr.ecr.us-east-1.amazonaws.com`)).toBe(aws.registryUrl("us-east-1"));
  expect(aws.reach("public.ecr.aws/e123/app")).toBe(aws.publicRegistryUrl);
  expect(() => aws.reach(`${HOME}.dkr.ecr.eu-west-1.amazonaws.com/app`)).toThrow("name both at start");
  expect(() => aws.reach("registry.example/app")).toThrow("no registry of AWS");
});

test("tokens may outlive their session for their twelve hours, and cross regions", async () => {
  const behaviour = { tokensOutliveSessions: true, regionalTokens: false };
  const aws = await started({ behaviour, regions: ["us-east-1", "eu-west-1"] });
  await clients(aws).ecr.send(new CreateRepositoryCommand({ repositoryName: "images-app" }));
  const RoleArn = aws.role(HOME, "pull", { policies: allow("ecr:*") });
  const session = await assume(aws, aws.admin(), { RoleArn, DurationSeconds: 900 });
  const client = await registryClient(aws, session);
  aws.advance(901_000);
  await client.tags("images-app");
  aws.advance(12 * 3600_000);
  await expect(client.tags("images-app")).rejects.toMatchObject({ status: 403 });
  const there = await registryClient(aws, aws.admin(), "eu-west-1");
  await there.ping();
});

test("pushes may be replicated at once", async () => {
  const aws = await started({ behaviour: { replicateAtOnce: true }, regions: ["us-east-1", "eu-west-1"] });
  const { ecr } = clients(aws);
  const rules = [{ destinations: [{ region: "eu-west-1", registryId: HOME }] }];
  await ecr.send(new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } }));
  await ecr.send(new CreateRepositoryCommand({ repositoryName: "images-app" }));
  await pushImage(await registryClient(aws, aws.admin()), "images-app", "v1", image);
  expect(await pullImage(await registryClient(aws, aws.admin(), "eu-west-1"), "images-app", "v1")).toEqual(image);
  expect(aws.events.map((event) => event["detail-type"])).toEqual(["ECR Image Action", "ECR Replication Action"]);
});

test("a role that was just created is seen late by time, too", async () => {
  const aws = await started({ roleDelay: { ms: 10_000 } });
  const AssumeRolePolicyDocument = policy({ Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" });
  const { Role } = await clients(aws).iam.send(new CreateRoleCommand({ RoleName: "new", AssumeRolePolicyDocument }));
  const attempt = () => assume(aws, aws.admin(), { RoleArn: Role?.Arn ?? "" });
  expect((await refused(attempt())).name).toBe("AccessDenied");
  aws.advance(10_000);
  await attempt();
});

test("a key of one's own must be one that the caller may let ECR use", async () => {
  const aws = await started({});
  const kmsKey = `arn:aws:kms:us-east-1:${HOME}:key/1234`;
  const create = (policies: ReturnType<typeof allow>[]) =>
    clients(aws, aws.credentialsFor(aws.role(HOME, "creator", { policies }))).ecr.send(
      new CreateRepositoryCommand({
        repositoryName: "images-kms",
        encryptionConfiguration: { encryptionType: "KMS", kmsKey },
      }),
    );
  const grant = allow(["kms:CreateGrant", "kms:DescribeKey"], kmsKey);
  expect((await refused(create([allow("ecr:*")]))).message).toContain("kms:DescribeKey");
  await create([allow("ecr:*"), grant]);
  const remove = (policies: ReturnType<typeof allow>[]) =>
    clients(aws, aws.credentialsFor(aws.role(HOME, "remover", { policies }))).ecr.send(
      new DeleteRepositoryCommand({ repositoryName: "images-kms" }),
    );
  expect((await refused(remove([allow("ecr:*")]))).message).toContain("kms:RetireGrant");
  await remove([allow("ecr:*"), allow("kms:RetireGrant", kmsKey)]);
});

test("an anonymous client learns nothing", async () => {
  const aws = await started({});
  const client = createClient({ url: aws.registryUrl("us-east-1") });
  await expect(client.catalog()).rejects.toMatchObject({ status: 401 });
  const nobody = await registryClient(
    aws,
    aws.credentialsFor(aws.role(HOME, "token", { policies: allow("ecr:GetAuthorizationToken") })),
  );
  await expect(nobody.catalog()).rejects.toMatchObject({ status: 403 });
});
