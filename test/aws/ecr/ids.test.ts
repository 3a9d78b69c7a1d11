import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/aws/index.ts";
import { type Suite, startSuite } from "../../contract/harness.ts";
import { type AwsStack, startStack } from "../support/stack.ts";

const replica = "eu-west-1";
let stack: AwsStack;
const suites: Suite[] = [];

beforeAll(async () => {
  stack = await startStack({ prefixes: [], replicaRegions: [replica] });
  stack.useInThisProcess();
});
afterAll(async () => {
  await Promise.all(suites.map((suite) => suite.stop()));
  await stack.stop();
});

/** A function whose process has seen nothing yet. */
async function start(env: Record<string, string>): Promise<Suite> {
  const suite = await startSuite(platform, { ...stack.env(), ...env }, ["images"]);
  suites.push(suite);
  return suite;
}

const derived = { ALIEN_STACK_PREFIX: "acme", ALIEN_LEASE_TABLE: "leases" };
const withoutRoles = {
  ALIEN_IMAGES_BINDING: JSON.stringify({ service: "ecr", repositoryPrefix: "bare", replicationRegions: [replica] }),
};

describe.each([
  ["derived", derived, "acme-images"],
  ["bound without roles", withoutRoles, "bare"],
] as const)("a registry that is %s", (_, env, prefix) => {
  const exists = (name: string) => stack.emulator.world.registry(stack.account, stack.region).repositories.has(name);
  const arnIn = (region: string, name: string) => `arn:aws:ecr:${region}:${stack.account}:repository/${name}`;

  test("deletes the repository of the URI that createRepository answered, and of its other forms", async () => {
    const first = await start(env);
    if (prefix === "acme-images") {
      await first.ok("provisionRegistry", { registry: "images", replicationRegions: [replica] });
    }
    const forms: ((made: { uri: string; name: string }) => string)[] = [
      ({ uri }) => uri,
      ({ uri }) => uri.replace("us-east-1", replica),
      ({ uri }) => uri.replace(".dkr.ecr.", ".dkr-ecr.").replace("amazonaws.com", "on.aws"),
      ({ name }) => arnIn(stack.region, name),
      ({ name }) => arnIn(replica, name),
    ];
    for (const form of forms) {
      const made = await first.ok("createRepository", { registry: "images", name: "app" });
      const { name, uri = "" } = made;
      const later = await start(env);
      const repoId = form({ name, uri });
      expect(await later.ok("getRepository", { registry: "images", repoId })).toEqual(made);
      await later.ok("deleteRepository", { registry: "images", repoId });
      expect(exists(name)).toBe(false);
    }
  });

  test("refuses those of another account, another region and another prefix by name, and nothing happens", async () => {
    const suite = await start(env);
    const { name, uri = "" } = await suite.ok("createRepository", { registry: "images", name: "kept" });
    for (const [repoId, why] of [
      [uri.replace(stack.account, "444455556666"), "the account 444455556666"],
      [arnIn(stack.region, name).replace(stack.account, "444455556666"), "the account 444455556666"],
      [uri.replace("us-east-1", "sa-east-1"), "in sa-east-1"],
      [arnIn("sa-east-1", name), "in sa-east-1"],
      [uri.replace(prefix, "other"), "not the id of a repository of this registry"],
      [`${uri}:1.0`, "has a tag"],
    ] as const) {
      const { body } = await suite.refused("deleteRepository", { registry: "images", repoId });
      expect(body).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining(why) });
    }
    expect(exists(name)).toBe(true);
  });

  test("makes no call more for plain names", async () => {
    const suite = await start(env);
    const { name } = await suite.ok("createRepository", { registry: "images", name: "plain" });
    const before = stack.emulator.calls.length;
    await suite.ok("getRepository", { registry: "images", repoId: name });
    expect(stack.emulator.calls.slice(before).map(({ action }) => action)).toEqual(["DescribeRepositories"]);
  });
});

test("with AWS_USE_DUALSTACK_ENDPOINT images are named by hosts that IPv6 reaches", async () => {
  const binding = JSON.stringify({ service: "ecr", repositoryPrefix: "modern" });
  const suite = await start({ ALIEN_IMAGES_BINDING: binding, AWS_USE_DUALSTACK_ENDPOINT: "true" });
  const host = `${stack.account}.dkr-ecr.us-east-1.on.aws`;
  const made = await suite.ok("createRepository", { registry: "images", name: "app" });
  const { uri = "" } = made;
  expect(uri).toBe(`${host}/modern-app`);
  expect(await suite.ok("getRepository", { registry: "images", repoId: uri })).toEqual(made);
  expect(stack.emulator.reach(uri)).toBe(stack.emulator.registryUrl("us-east-1"));
  const { registryEndpoint } = await suite.ok("describeRegistry", { registry: "images" });
  expect(registryEndpoint).toBe(`https://${host}`);
});
