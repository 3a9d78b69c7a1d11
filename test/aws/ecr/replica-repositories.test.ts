import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/aws/index.ts";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { type Suite, startSuite } from "../../contract/harness.ts";
import { registryClient } from "../../emulators/aws/support.ts";
import { buildImage } from "../../oci/client/images.ts";
import { type AwsStack, startStack } from "../support/stack.ts";

const home = "us-east-1";
const replicas = ["eu-west-1", "ap-southeast-2"];
const multiRegionKey = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
const repositoryDefaults = {
  imageTagMutability: "IMMUTABLE_WITH_EXCLUSION",
  imageTagMutabilityExclusions: ["latest*", "dev"],
  scanOnPush: true,
  encryptionType: "KMS_DSSE",
  kmsKey: multiRegionKey,
  keepLast: 7,
  tags: { team: "a" },
};

let stack: AwsStack;
let suite: Suite;
beforeAll(async () => {
  stack = await startStack({
    replicaRegions: replicas,
    functionPolicies: [
      { Effect: "Allow", Action: ["ecr:*", "sts:*", "dynamodb:*", "kms:*"], Resource: "*" },
      { Effect: "Allow", Action: "iam:*", Resource: "*" },
    ],
  });
  stack.useInThisProcess();
  suite = await open({ repositoryDefaults });
});
afterEach(() => stack.emulator.faults.clear());
afterAll(async () => {
  await suite.stop();
  await stack.stop();
});

async function open(binding: object, env: Record<string, string> = {}): Promise<Suite> {
  const text = stack.binding("images", { replicationRegions: replicas, ...binding });
  return startSuite(platform, { ...stack.env(), ALIEN_IMAGES_BINDING: text, ...env }, ["images"]);
}
const repository = (region: string, name: string) =>
  stack.emulator.world.registry(stack.account, region).repositories.get(name);

function expectSettings(region: string, name: string): void {
  const found = repository(region, name);
  expect(found).toMatchObject({
    tagMutability: "IMMUTABLE_WITH_EXCLUSION",
    tagMutabilityExclusions: ["latest*", "dev"].map((filter) => ({ filterType: "WILDCARD", filter })),
    scanOnPush: true,
    encryption: { encryptionType: "KMS_DSSE", kmsKey: multiRegionKey.replace(home, region) },
  });
  expect(Object.fromEntries(found?.tags ?? [])).toEqual({ [ownershipTagKey]: "images", team: "a" });
  expect(found?.lifecyclePolicy?.text).toContain('"countNumber":7');
}

describe("createRepository", () => {
  test("makes the replicas as home is, and changes nothing when it is repeated", async () => {
    const { name } = await suite.ok("createRepository", { registry: "images", name: "app" });
    for (const region of [home, ...replicas]) expectSettings(region, name);
    const created = replicas.map((region) => repository(region, name)?.createdAt);
    await suite.ok("createRepository", { registry: "images", name: "app" });
    expect(replicas.map((region) => repository(region, name)?.createdAt)).toEqual(created);
    await suite.ok("deleteRepository", { registry: "images", repoId: name });
    for (const region of [home, ...replicas]) expect(repository(region, name)).toBeUndefined();
  });

  test.each([
    ["cannot be reached", { kind: "reset" } as const],
    ["denies it", { kind: "error", code: "AccessDeniedException" } as const],
    ["fails", { kind: "failure", status: 500 } as const],
  ])("succeeds where a region %s, describeRegistry says so, and the same call repairs it", async (title, fault) => {
    const app = `app-${title.replaceAll(" ", "-")}`;
    const [far = ""] = replicas;
    stack.emulator.faults.add({ fault, region: far, times: Number.POSITIVE_INFINITY });
    const { name } = await suite.ok("createRepository", { registry: "images", name: app });
    expect(repository(far, name)).toBeUndefined();
    expectSettings(replicas[1] ?? "", name);
    stack.emulator.faults.clear();
    const provisioning = await open({ repositoryDefaults }, { ALIEN_DOOR: "provision" });
    await provisioning.ok("provisionRegistry", { registry: "images" });
    const told = async () =>
      JSON.stringify((await provisioning.ok("describeRegistry", { registry: "images" })).health.findings);
    expect(await told()).toContain(`${far} lacks \\"${name}\\".`);
    await suite.ok("createRepository", { registry: "images", name: app });
    expectSettings(far, name);
    expect(await told()).not.toContain(name);
    await provisioning.stop();
  });

  test("needs a key of each region: one that is in none is not used elsewhere, and a named one is", async () => {
    const kmsKey = multiRegionKey.replace("mrk-", "");
    const [first = "", second = ""] = replicas;
    const own = { [second]: `arn:aws:kms:${second}:111122223333:key/own` };
    const keyed = await open({ repositoryDefaults: { kmsKey, replicaKmsKeys: own } });
    const { name } = await keyed.ok("createRepository", { registry: "images", name: "keyed" });
    expect(repository(home, name)?.encryption).toEqual({ encryptionType: "KMS", kmsKey });
    expect(repository(first, name)).toBeUndefined();
    expect(repository(second, name)?.encryption).toEqual({ encryptionType: "KMS", kmsKey: own[second] });
    await keyed.stop();
  });

  test.each([
    [{ imageTagMutability: "IMMUTABLE_WITH_EXCLUSION" }],
    [{ imageTagMutability: "MUTABLE", imageTagMutabilityExclusions: ["a"] }],
    [{ imageTagMutability: "MUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusions: [] }],
    [{ imageTagMutability: "MUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusions: Array(6).fill("a") }],
    [{ imageTagMutability: "MUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusions: ["a b"] }],
    [{ encryptionType: "AES256" }],
  ])("is not reached by defaults that ECR would refuse: %j", async (wrong) => {
    await expect(open({ repositoryDefaults: wrong })).rejects.toMatchObject({ code: "BINDING_CONFIG_INVALID" });
  });
});

test("a replica that ECR made, with settings of its own, is reported", async () => {
  const provisioning = await open({ repositoryDefaults }, { ALIEN_DOOR: "provision" });
  await provisioning.ok("provisionRegistry", { registry: "images" });
  const { name } = await suite.ok("createRepository", { registry: "images", name: "made-by-ecr" });
  const [region = ""] = replicas;
  const found = repository(region, name);
  if (found) Object.assign(found, { tagMutability: "MUTABLE", tagMutabilityExclusions: [] });
  const { health } = await provisioning.ok("describeRegistry", { registry: "images" });
  expect(health.status).toBe("degraded");
  expect(JSON.stringify(health.findings)).toContain(`\\"${name}\\" in ${region} has other settings than at home`);
  await provisioning.stop();
});

describe("credentials of a region", () => {
  test("open that region's registry, and a home credential does not", async () => {
    const { name } = await suite.ok("createRepository", { registry: "images", name: "pulled" });
    const [region = ""] = replicas;
    const client = (at: string, { username, password }: { username: string; password: string }) =>
      createClient({ url: stack.emulator.registryUrl(at), credentials: { username, password } });
    const mint = (more: object) => suite.ok("generateCredentials", { registry: "images", repoId: name, ...more });
    const push = await mint({ permissions: "push-pull" });
    const image = buildImage({ seed: name });
    await pushImage(client(home, push), name, "1.0", image);
    await expect(pushImage(client(region, push), name, "2.0", image)).rejects.toThrow();

    const there = await mint({ permissions: "pull", region });
    expect(there.registryEndpoint).toBe(`https://${stack.account}.dkr.ecr.${region}.amazonaws.com`);
    expect(there.registryEndpoint && stack.emulator.reach(there.registryEndpoint)).toBe(
      stack.emulator.registryUrl(region),
    );
    await pushAs(region, name, image);
    expect(await pullImage(client(region, there), name, "1.0")).toEqual(image);
    await expect(pullImage(client(home, there), name, "1.0")).rejects.toThrow();
    const atHome = await mint({ permissions: "pull" });
    await expect(pullImage(client(region, atHome), name, "1.0")).rejects.toThrow();
    expect((await mint({ permissions: "pull", region: home })).registryEndpoint).toContain(home);
  });

  test.each([
    ["a region that is not the registry's", { permissions: "pull", region: "sa-east-1" }, /is not in sa-east-1/],
    ["pushes to a replica", { permissions: "push-pull", region: "eu-west-1" }, /Nothing is pushed to eu-west-1/],
  ])("refuse %s before any call", async (_, input, message) => {
    const before = stack.emulator.calls.length;
    const asked = { registry: "images", repoId: "app", ...input };
    const { body } = await suite.refused("generateCredentials", asked);
    expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "region" } });
    expect(body.message).toMatch(message);
    expect(stack.emulator.calls.length).toBe(before);
  });
});

/** Puts an image into a replica as replication would. */
async function pushAs(region: string, name: string, image: ReturnType<typeof buildImage>): Promise<void> {
  await pushImage(await registryClient(stack.emulator, stack.emulator.admin(), region), name, "1.0", image);
}
