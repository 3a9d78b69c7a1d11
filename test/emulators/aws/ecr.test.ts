import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci-client/images.ts";
import { type AwsEmulator, startAwsEmulator } from "./index.ts";

let aws: AwsEmulator;
beforeAll(async () => {
  aws = await startAwsEmulator({ accounts: ["111122223333", "444455556666"], regions: ["us-east-1"] });
});
afterAll(() => aws.stop());

test("smoke", async () => {
  const ecr = new ECRClient({ endpoint: aws.url, region: "us-east-1", credentials: aws.admin() });
  const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: "images-app" }));
  expect(repository).toMatchObject({ repositoryUri: "111122223333.dkr.ecr.us-east-1.amazonaws.com/images-app" });
  expect(repository?.createdAt).toBeInstanceOf(Date);
  await ecr.send(
    new SetRepositoryPolicyCommand({
      repositoryName: "images-app",
      policyText: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Sid: "a", Effect: "Allow", Principal: { AWS: ["444455556666"] }, Action: ["ecr:BatchGetImage"] }],
      }),
    }),
  );
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const [username = "", password = ""] = Buffer.from(authorizationData?.[0]?.authorizationToken ?? "", "base64")
    .toString()
    .split(":");
  const client = createClient({ url: aws.registryUrl("us-east-1"), credentials: { username, password } });
  const image = buildImage({ seed: "a", layers: [1000, 300_000] });
  await pushImage(client, "images-app", "v1", image);
  expect(await pullImage(client, "images-app", "v1")).toEqual(image);
  await expect(ecr.send(new DeleteRepositoryCommand({ repositoryName: "images-app" }))).rejects.toMatchObject({
    name: "RepositoryNotEmptyException",
  });
  await ecr.send(new DeleteRepositoryCommand({ repositoryName: "images-app", force: true }));
});
