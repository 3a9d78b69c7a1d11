import { CreateRepositoryCommand, SetRepositoryPolicyCommand } from "@aws-sdk/client-ecr";
import { beforeAll, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { clients, HOME, OTHER, policy, registryClient, registryRefusal, useEmulator } from "./support.ts";

const aws = useEmulator();
const repository = "images-app";
const image = buildImage({ seed: "lambda" });
const functionArn = (region: string, account: string) => `arn:aws:lambda:${region}:${account}:function:worker`;
const Action = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const account = { Effect: "Allow", Principal: { AWS: OTHER }, Action };
const service = {
  Effect: "Allow",
  Principal: { Service: "lambda.amazonaws.com" },
  Action,
  Condition: { StringLike: { "aws:sourceArn": functionArn("us-east-1", OTHER).replace("worker", "*") } },
};
const set = (...statements: object[]) =>
  clients(aws()).ecr.send(
    new SetRepositoryPolicyCommand({ repositoryName: repository, policyText: policy(...statements) }),
  );
const may = (region = "us-east-1", of = OTHER) =>
  aws().lambda.refusal(functionArn(region, of), { account: HOME, repository });
const pull = (region = "us-east-1", of = OTHER) => {
  const credentials = aws().lambda.credentials(functionArn(region, of));
  return pullImage(createClient({ url: aws().registryUrl("us-east-1"), credentials }), repository, "v1");
};

beforeAll(async () => {
  await clients(aws()).ecr.send(new CreateRepositoryCommand({ repositoryName: repository }));
  await pushImage(await registryClient(aws(), aws().admin()), repository, "v1", image);
});

test("nobody's function may have the image by default", async () => {
  expect(await may()).toContain("may not ecr:BatchGetImage");
  expect((await registryRefusal(pull())).status).toBe(403);
});

test("both the account and the service must be let in", async () => {
  await set(account);
  expect(await may()).toContain("lambda.amazonaws.com");
  await set(service);
  expect(await may()).toContain(`The account ${OTHER}`);
  await set(account, service);
  expect(await may()).toBeUndefined();
  expect(await pullImage(await registryClient(aws(), aws().admin()), repository, "v1")).toEqual(image);
  expect(await pull()).toEqual(image);
});

test("another account's function, and one in another region, may not", async () => {
  await set(account, service);
  expect(await may("us-east-1", "777788889999")).toContain("The account");
  expect((await registryRefusal(pull("us-east-1", "777788889999"))).status).toBe(403);
  expect(await may("eu-west-1")).toContain("There is no repository");
});
