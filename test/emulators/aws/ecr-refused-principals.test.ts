import {
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  GetAuthorizationTokenCommand,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { CreateRoleCommand } from "@aws-sdk/client-iam";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import {
  allow,
  assume,
  clients,
  HOME,
  OTHER,
  policy,
  refused,
  registryClient,
  registryRefusal,
  useEmulator,
} from "./support.ts";

// Amazon ECR: `InvalidParameterException … 'Principal not found'` for a role that was deleted or is not seen yet
// (hashicorp/terraform-provider-aws#39064), and for an account that is closed or has not enabled the repository's region.
const [home, optIn] = ["us-east-1", "af-south-1"] as const;
const THIRD = "777788889999";
const aws = useEmulator({ accounts: [HOME, OTHER, THIRD], regions: [home, optIn] });
const repositoryName = "images-app";
const image = buildImage({ seed: "refused" });
const ecr = (region: string = home) => clients(aws(), aws().admin(), region).ecr;
const root = `arn:aws:iam::${OTHER}:root`;
const Action = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"];
const pull = (AWS: unknown, more: object = {}) => ({ Effect: "Allow", Principal: { AWS }, Action, ...more });
const set = (region: string, ...statements: object[]) =>
  ecr(region).send(new SetRepositoryPolicyCommand({ repositoryName, policyText: policy(...statements) }));
const stands = async (region: string = home) =>
  JSON.parse((await ecr(region).send(new GetRepositoryPolicyCommand({ repositoryName }))).policyText ?? "").Statement;
const notFound = {
  name: "InvalidParameterException",
  message: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
  status: 400,
};

beforeAll(async () => {
  for (const region of [home, optIn]) await ecr(region).send(new CreateRepositoryCommand({ repositoryName }));
  await pushImage(await registryClient(aws(), aws().admin()), repositoryName, "v1", image);
  aws().role(OTHER, "app", { policies: allow("ecr:*") });
});
afterEach(() => aws().world.reopen(OTHER));

const role = `arn:aws:iam::${OTHER}:role/app`;
const session = `arn:aws:sts::${OTHER}:assumed-role/app/session`;
const places: Readonly<Record<string, (principal: unknown) => object[]>> = {
  "alone in its statement": (principal) => [pull(principal)],
  "beside others": (principal) => [pull([THIRD, principal])],
  "in a statement of its own behind others": (principal) => [pull(THIRD), pull(principal, { Sid: "Theirs" })],
  "in a statement that denies": (principal) => [pull(THIRD), pull(principal, { Effect: "Deny" })],
  "as the exception of one that denies": (principal) => [
    pull(THIRD),
    { Effect: "Deny", NotPrincipal: { AWS: principal }, Action: "ecr:PutImage" },
  ],
};

describe.each(Object.entries(places))("a document with an account that was closed, %s", (_, statements) => {
  test.each([root, OTHER, role, session])("by the name %s", async (principal) => {
    aws().world.closeAccount(OTHER);
    for (const region of [home, optIn]) {
      await set(region, pull(THIRD));
      expect(await refused(set(region, ...statements(principal)))).toEqual(notFound);
      expect(await stands(region)).toEqual([pull(`arn:aws:iam::${THIRD}:root`)]);
    }
    aws().world.reopen(OTHER);
    await set(home, ...statements(principal));
  });
});

test("a region that an account has not enabled refuses it, and no other region does", async () => {
  aws().world.refusePrincipal({ accountId: OTHER, region: optIn });
  for (const principal of [root, OTHER, role, session]) {
    await set(home, pull(principal));
    expect(await refused(set(optIn, pull(principal)))).toEqual(notFound);
  }
  aws().world.reopen({ accountId: OTHER, region: optIn });
  await set(optIn, pull(root));
});

test("one role that is not seen is refused, and nobody else of its account", async () => {
  const seen = aws().world.refusePrincipal({ principal: role, region: home });
  for (const principal of [role, session]) expect(await refused(set(home, pull(principal)))).toEqual(notFound);
  await set(home, pull(OTHER));
  await set(optIn, pull(role));
  seen();
  await set(home, pull(role));
});

test("an account that is refused by its id is refused by its root, and its roles are not", async () => {
  const [id, arn] = [{ principal: OTHER }, { principal: root }];
  for (const unknown of [id, arn]) {
    const known = aws().world.refusePrincipal(unknown);
    for (const principal of [OTHER, root]) expect(await refused(set(home, pull(principal)))).toEqual(notFound);
    await set(home, pull(role));
    known();
  }
});

test("what stands stays as it is when an account is closed, until somebody writes it again", async () => {
  const statements = [pull([root, role]), pull(OTHER, { Sid: "Theirs", Effect: "Deny", Action: "ecr:PutImage" })];
  await set(home, ...statements);
  const before = await stands();
  aws().world.closeAccount(OTHER);
  expect(await stands()).toEqual(before);
  expect(await refused(set(home, ...before))).toEqual(notFound);
  aws().world.reopen(OTHER);
  await set(home, ...before);
});

test("IAM takes no trust in an account that is closed", async () => {
  const AssumeRolePolicyDocument = policy({ Effect: "Allow", Principal: { AWS: OTHER }, Action: "sts:AssumeRole" });
  const create = () =>
    clients(aws()).iam.send(new CreateRoleCommand({ RoleName: "trusting", AssumeRolePolicyDocument }));
  aws().world.closeAccount(OTHER);
  expect((await refused(create())).name).toBe("MalformedPolicyDocumentException");
  aws().world.reopen(OTHER);
  await create();
});

test("nobody of a closed account can do anything, also with what was handed out before", async () => {
  await set(home, pull(root));
  const app = aws().credentialsFor(role);
  const before = await registryClient(aws(), app);
  expect(await pullImage(before, repositoryName, "v1")).toEqual(image);
  aws().world.closeAccount(OTHER);
  expect((await registryRefusal(pullImage(before, repositoryName, "v1"))).status).toBe(403);
  expect((await refused(clients(aws(), app).ecr.send(new GetAuthorizationTokenCommand({})))).name).toBe(
    "UnrecognizedClientException",
  );
  expect((await refused(assume(aws(), app, { RoleArn: role }))).name).toBe("InvalidClientTokenId");
  aws().world.reopen(OTHER);
  expect(await pullImage(before, repositoryName, "v1")).toEqual(image);
});

test("nobody can use a region that their account has not enabled, and Lambda has no function there", async () => {
  const lambda = { Principal: { Service: "lambda.amazonaws.com" } };
  await set(
    home,
    pull(root),
    pull(root, { ...lambda, Condition: { ArnLike: { "aws:SourceArn": "arn:aws:lambda:*:*:function:*" } } }),
  );
  const functionArn = `arn:aws:lambda:${home}:${OTHER}:function:worker`;
  const refusal = () => aws().lambda.refusal(functionArn, { account: HOME, repository: repositoryName });
  const client = createClient({ url: aws().registryUrl(home), credentials: aws().lambda.credentials(functionArn) });
  const list = (region: string) =>
    clients(aws(), aws().credentialsFor(role), region).ecr.send(new DescribeRepositoriesCommand({}));
  expect(await refusal()).toBeUndefined();
  aws().world.refusePrincipal({ accountId: OTHER, region: home });
  expect(await refusal()).toContain(OTHER);
  expect((await registryRefusal(pullImage(client, repositoryName, "v1"))).status).toBe(403);
  expect((await refused(list(home))).name).toBe("UnrecognizedClientException");
  await list(optIn);
  aws().world.reopen(OTHER);
  expect(await refusal()).toBeUndefined();
});
