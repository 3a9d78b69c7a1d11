import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateRepositoryCommand,
  DescribeRegistryCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  GetRepositoryPolicyCommand,
  PutImageCommand,
  PutReplicationConfigurationCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { platform } from "../../../functions/aws/index.ts";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { readList } from "../../contract/content.ts";
import { type Suite, startSuite } from "../../contract/harness.ts";
import { leaseTableSchema } from "../support/stack.ts";

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** moto's own account. */
const account = "123456789012";
const [home, replica] = ["us-east-1", "eu-west-1"];
const env = (url: string) => ({
  AWS_REGION: home,
  AWS_ENDPOINT_URL: url,
  AWS_ACCESS_KEY_ID: "testing",
  AWS_SECRET_ACCESS_KEY: "testing",
  ALIEN_FUNCTION_ROLE_ARNS: `arn:aws:iam::${account}:role/function`,
});

function open(): Suite {
  if (suite === undefined) throw new Error("The suite has not been started.");
  return suite;
}

async function bind(binding: object): Promise<void> {
  await suite?.stop();
  suite = await startSuite(platform, { ...env(url), ALIEN_IMAGES_BINDING: JSON.stringify(binding) }, ["images"]);
}

let server: ChildProcess | undefined;
let url = "";
let suite: Suite | undefined;

/** moto's emulation of AWS, which is not ours; its first line of output with an address tells that it listens. */
beforeAll(async () => {
  const { stdout: python } = await run("bash", [path("../../tools/python.sh"), path("requirements.txt")]);
  server = spawn(python.trim(), ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (server.stderr === null) throw new Error("moto has no output.");
  for await (const line of createInterface({ input: server.stderr })) {
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
    if (url !== "") break;
  }
  server.stderr.resume();
  Object.assign(process.env, env(url));
  await new DynamoDBClient(client()).send(new CreateTableCommand({ TableName: "leases", ...leaseTableSchema }));
  await bind({ service: "ecr", repositoryPrefix: "images", leaseTable: "leases" });
});
afterAll(async () => {
  await suite?.stop();
  server?.kill();
});

const client = (region = home) => ({
  endpoint: url,
  region,
  credentials: { accessKeyId: "testing", secretAccessKey: "testing" },
});

const app = { registry: "images", repoId: "images-app" };
const access = {
  type: "aws",
  accountIds: ["444455556666"],
  regions: [home],
  roleArns: ["arn:aws:iam::444455556666:role/reader"],
  allowedServiceTypes: ["worker"],
};

const imageManifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: `sha256:${"a".repeat(64)}`, size: 2 },
  layers: [],
});

test("a registry from provisionRegistry to deprovisionRegistry", async () => {
  const wanted = { registry: "images", replicationRegions: [replica] };
  const { binding } = await open().ok("provisionRegistry", wanted);
  expect(binding).toMatchObject({ repositoryPrefix: "images", replicationRegions: [replica] });
  expect(await open().ok("provisionRegistry", wanted)).toEqual({ binding });
  await bind(binding);
  const { health } = await open().ok("describeRegistry", { registry: "images" });
  expect(health).toEqual({ status: "healthy", findings: [] });
  const iam = new IAMClient(client());
  for (const RoleName of ["images-pull", "images-push"]) {
    const { Role: role } = await iam.send(new GetRoleCommand({ RoleName }));
    expect(role?.Tags).toEqual([{ Key: ownershipTagKey, Value: "images" }]);
    expect(role?.MaxSessionDuration).toBe(43_200);
  }
  const ecr = new ECRClient(client());
  const configuration = () =>
    ecr.send(new DescribeRegistryCommand({})).then((answer) => answer.replicationConfiguration);
  expect(await configuration()).toEqual({
    rules: [
      {
        destinations: [{ region: replica, registryId: account }],
        repositoryFilters: [{ filter: "images", filterType: "PREFIX_MATCH" }],
      },
    ],
  });

  const created = await open().ok("createRepository", { registry: "images", name: "app" });
  expect(created).toMatchObject({ name: "images-app", uri: `${account}.dkr.ecr.${home}.amazonaws.com/images-app` });
  expect(await open().ok("createRepository", { registry: "images", name: "app" })).toEqual(created);
  expect(await open().ok("getRepository", { registry: "images", repoId: created.uri })).toEqual(created);
  for (const permissions of ["pull", "push-pull"]) {
    const minted = await open().ok("generateCredentials", { ...app, permissions, ttlSeconds: 900 });
    expect(minted).toMatchObject({ username: "AWS", password: expect.any(String), scope: "repository" });
  }

  await open().ok("addCrossAccountAccess", { ...app, access });
  expect(await open().ok("getCrossAccountAccess", app)).toMatchObject({ access });
  await open().ok("addCrossAccountAccess", { ...app, access });
  const policy = await ecr.send(new GetRepositoryPolicyCommand({ repositoryName: "images-app" }));
  expect(JSON.parse(policy.policyText ?? "").Statement).toHaveLength(3);
  const { repositories } = await open().ok("listRepositories", { registry: "images", pageSize: 1 });
  expect(repositories.map(({ name }) => name)).toContain("images");
  const grantee = "aws:444455556666";
  const may = await open().ok("listGranteeAccess", { registry: "images", grantee });
  expect(may).toEqual({ repositories: [{ repoId: "images-app", grants: [access] }] });
  for (const imageTag of ["1.0", "latest"]) {
    await ecr.send(new PutImageCommand({ repositoryName: "images-app", imageManifest, imageTag }));
  }
  const images = async () => (await open().ok("listImages", app)).images.map(({ tags }) => [...tags].sort());
  expect(await images()).toEqual([["1.0", "latest"]]);
  await open().ok("deleteImage", { ...app, reference: "latest" });
  expect(await images()).toEqual([["1.0"]]);
  await open().ok("deleteImage", { ...app, reference: "1.0" });
  await open().ok("deleteImage", { ...app, reference: "1.0" });
  expect(await images()).toEqual([]);
  await open().ok("removeCrossAccountAccess", { ...app, access: { ...access, roleArns: [] } });
  expect(await open().ok("getCrossAccountAccess", app)).toMatchObject({
    access: { accountIds: [], roleArns: access.roleArns },
  });
  const ended = await readList<{ changed: string[] }>({ suite: open() }, "removeGranteeAccess", {
    registry: "images",
    grantee,
  });
  expect(ended.flatMap(({ changed }) => changed)).toEqual(["images-app"]);
  await expect(ecr.send(new GetRepositoryPolicyCommand({ repositoryName: "images-app" }))).rejects.toMatchObject({
    name: "RepositoryPolicyNotFoundException",
  });

  await open().ok("provisionRegistry", { registry: "images", replicationRegions: [] });
  expect(await configuration()).toEqual({ rules: [] });
  await open().ok("deleteRepository", app);
  await open().ok("deleteRepository", app);
  expect((await open().refused("getRepository", app)).body.code).toBe("RESOURCE_NOT_FOUND");
  await open().ok("deprovisionRegistry", { registry: "images" });
  expect((await ecr.send(new DescribeRepositoriesCommand({}))).repositories).toEqual([]);
  await expect(iam.send(new GetRoleCommand({ RoleName: "images-pull" }))).rejects.toMatchObject({
    name: "NoSuchEntityException",
  });
});

/** Where moto is not like AWS: what its yes is worth nothing for, and what could not be tried on it. All of it stands here. */
const differences: Readonly<Record<string, { readonly aws: string; readonly moto: string; see(): Promise<unknown> }>> =
  {
    "a token": {
      aws: "lives for 12 hours",
      moto: "2015-01-01T00:00:00.000Z",
      see: async () => {
        const { authorizationData: [token] = [] } = await new ECRClient(client()).send(
          new GetAuthorizationTokenCommand({}),
        );
        return token?.expiresAt?.toISOString();
      },
    },
    "two replication rules": {
      aws: "taken, and 25",
      moto: "ValidationException",
      see: () => putRules(["images", "builds"]),
    },
    "a tag of 257 characters": {
      aws: "InvalidParameterException",
      moto: "taken",
      see: () => create("tagged", "x".repeat(257)),
    },
    "a repository policy of more than 10,240 characters": {
      aws: "InvalidParameterException",
      moto: "taken",
      see: () => setPolicy({ Sid: "x".repeat(10_240), Effect: "Allow", Principal: "*", Action: "ecr:BatchGetImage" }),
    },
    "a principal that there is not": {
      aws: "InvalidParameterException",
      moto: "taken",
      see: () =>
        setPolicy({
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account}:role/nobody` },
          Action: "ecr:BatchGetImage",
        }),
    },
    "a role that there is not": {
      aws: "AccessDenied",
      moto: "taken",
      see: () => assume(`arn:aws:iam::${account}:role/nobody`),
    },
    "a session policy of more than 2,048 characters": {
      aws: "ValidationError",
      moto: "taken",
      see: () => assume(`arn:aws:iam::${account}:role/nobody`, "x".repeat(2_049)),
    },
  };

/** `taken`, or the name of the error. */
async function outcome(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => "taken",
    (error: Error) => error.name,
  );
}

function putRules(prefixes: readonly string[]): Promise<string> {
  const rules = prefixes.map((filter) => ({
    destinations: [{ region: replica, registryId: account }],
    repositoryFilters: [{ filter, filterType: "PREFIX_MATCH" as const }],
  }));
  const command = new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } });
  return outcome(new ECRClient(client()).send(command));
}

function create(repositoryName: string, Value: string): Promise<string> {
  return outcome(
    new ECRClient(client()).send(new CreateRepositoryCommand({ repositoryName, tags: [{ Key: "team", Value }] })),
  );
}

async function setPolicy(statement: object): Promise<string> {
  await create("policies", "ours");
  const policyText = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  return outcome(
    new ECRClient(client()).send(new SetRepositoryPolicyCommand({ repositoryName: "policies", policyText })),
  );
}

function assume(RoleArn: string, Policy?: string): Promise<string> {
  const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: "judge", ...(Policy !== undefined && { Policy }) });
  return outcome(new STSClient(client()).send(command));
}

test.each(Object.entries(differences))("moto's own: %s", async (_what, { aws, moto, see }) => {
  expect(aws).not.toBe(moto);
  expect(await see()).toBe(moto);
});
