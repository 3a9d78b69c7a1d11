import { CreateRepositoryCommand, DescribeRepositoriesCommand, ECRClient } from "@aws-sdk/client-ecr";
import { CreateRoleCommand, GetRoleCommand } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import type { Fault } from "./index.ts";
import { clients, refused, registryClient, registryRefusal, useEmulator } from "./support.ts";

const aws = useEmulator();
const list = () => clients(aws()).ecr.send(new DescribeRepositoriesCommand({}));
const create = (repositoryName: string) => clients(aws()).ecr.send(new CreateRepositoryCommand({ repositoryName }));
const names = async () => (await list()).repositories?.map(({ repositoryName }) => repositoryName) ?? [];
const outcomes = () => aws().calls.map(({ action, outcome }) => `${action} ${outcome}`);

beforeEach(() => {
  aws().calls.length = 0;
});
afterEach(() => aws().faults.clear());

describe("faults", () => {
  test("throttling has each service's own name", async () => {
    aws().faults.add({ fault: { kind: "throttle", retryAfterSeconds: 7 }, times: 3 });
    expect(await refused(list())).toMatchObject({ name: "ThrottlingException", status: 400, message: "Rate exceeded" });
    expect((await refused(clients(aws()).sts.send(new GetCallerIdentityCommand({})))).name).toBe("Throttling");
    expect((await refused(clients(aws()).iam.send(new GetRoleCommand({ RoleName: "x" })))).name).toBe("Throttling");
    expect(await names()).toEqual([]);
  });

  test("the service's own failure, and any error by name", async () => {
    aws().faults.add({ fault: { kind: "failure" } });
    aws().faults.add({ fault: { kind: "failure", status: 503 }, service: "sts" });
    aws().faults.add({ fault: { kind: "error", code: "KmsException" }, action: "CreateRepository" });
    expect(await refused(list())).toMatchObject({ name: "ServerException", status: 500 });
    expect((await refused(clients(aws()).sts.send(new GetCallerIdentityCommand({})))).status).toBe(503);
    expect((await refused(create("images-kms"))).name).toBe("KmsException");
  });

  test("a reset has no effect, a lost answer has", async () => {
    aws().faults.add({ fault: { kind: "reset" }, action: "CreateRepository" });
    aws().faults.add({ fault: { kind: "lost" }, action: "CreateRepository", nth: 2 });
    await refused(create("images-reset"));
    expect(await names()).not.toContain("images-reset");
    await refused(create("images-lost"));
    expect(await names()).toContain("images-lost");
    expect(outcomes()).toEqual([
      "CreateRepository reset",
      "DescribeRepositories ok",
      "CreateRepository lost",
      "DescribeRepositories ok",
    ]);
  });

  test("a slow answer comes late", async () => {
    aws().faults.add({ fault: { kind: "slow", ms: 120 } });
    const before = performance.now();
    await list();
    expect(performance.now() - before).toBeGreaterThan(100);
  });

  test("the SDK's own retry gets over all of them", async () => {
    const config = { endpoint: aws().url, region: "us-east-1", credentials: aws().admin() };
    const kinds: Fault[] = [{ kind: "throttle" }, { kind: "reset" }, { kind: "failure" }, { kind: "lost" }];
    for (const fault of kinds) {
      aws().faults.add({ fault });
      await new ECRClient(config).send(new DescribeRepositoriesCommand({}));
    }
    expect(aws().calls).toHaveLength(8);
  });

  test("the nth call that matches, so often, and not after it was taken back", async () => {
    const take = aws().faults.add({
      fault: { kind: "failure" },
      nth: 2,
      times: 2,
      matches: ({ service }) => service === "ecr",
    });
    await list();
    await refused(list());
    await refused(list());
    await list();
    aws().faults.add({ fault: { kind: "failure" }, times: Number.POSITIVE_INFINITY })();
    take();
    await list();
  });

  test("an answer of another form is given after the change was made", async () => {
    aws().faults.add({ fault: { kind: "answer", output: { repository: {} } }, action: "CreateRepository" });
    expect((await create("images-answered")).repository).toEqual({});
    expect(await names()).toContain("images-answered");
  });

  test("an answer that does not come is not an answer of the emulator's making", async () => {
    aws().faults.add({ fault: { kind: "lost" }, service: "iam" });
    const AssumeRolePolicyDocument =
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}';
    await refused(clients(aws()).iam.send(new CreateRoleCommand({ RoleName: "lost", AssumeRolePolicyDocument })));
    expect((await clients(aws()).iam.send(new GetRoleCommand({ RoleName: "lost" }))).Role?.RoleName).toBe("lost");
  });
});

test("hooks stand before and after every call's effect", async () => {
  const seen: string[] = [];
  aws().faults.before = ({ number, action, outcome }) => void seen.push(`${number} before ${action} ${outcome}`);
  aws().faults.after = ({ number, action, outcome }) => void seen.push(`${number} after ${action} ${outcome}`);
  await create("images-hooked");
  expect(seen).toEqual(["1 before CreateRepository undefined", "1 after CreateRepository ok"]);
});

test("the data plane fails too", async () => {
  await create("images-data");
  const client = await registryClient(aws(), aws().admin());
  const image = buildImage({ seed: "faults" });
  aws().faults.add({ fault: { kind: "throttle", retryAfterSeconds: 1 }, service: "registry", action: "PUT manifest" });
  expect((await registryRefusal(pushImage(client, "images-data", "v1", image))).status).toBe(429);
  aws().faults.add({ fault: { kind: "lost" }, service: "registry", action: "PUT manifest" });
  await refused(pushImage(client, "images-data", "v1", image));
  expect((await client.headManifest("images-data", "v1"))?.digest).toBe(image.manifest.digest);
});
