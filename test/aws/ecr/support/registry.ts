import {
  CreateRepositoryCommand,
  type ECRClient,
  GetRepositoryPolicyCommand,
  PutReplicationConfigurationCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { afterAll, beforeAll } from "vitest";
import type { Environment } from "../../../../core/platform.ts";
import type { AwsAccess } from "../../../../core/schemas.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { type Image, type OciClient, pushImage } from "../../../../oci/client/index.ts";
import { type Suite, startSuite } from "../../../contract/harness.ts";
import type { AwsEmulator } from "../../../emulators/aws/index.ts";
import { clients, registryClient } from "../../../emulators/aws/support.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { type AwsStack, type StackOptions, startStack } from "../../support/stack.ts";

/** The suite's HTTP API over the registry `images`, and AWS behind it. */
export interface TestRegistry {
  readonly stack: AwsStack;
  readonly emulator: AwsEmulator;
  readonly suite: Suite;
  /** AWS's own client with all rights, as an operator would look at what is there. */
  ecr(region?: string): ECRClient;
  /** Makes a repository with an image in it, at home and at every replica region, and returns its routable name. */
  repository(stem?: string): Promise<string>;
  /** Takes a replica away, as if its region could not be reached when the repository was created. */
  lose(name: string, region: string): void;
  /** Pushes an image, which is not replicated yet. */
  push(name: string, tag?: string): Promise<Image>;
  add(name: string, access: Partial<AwsAccess>): Promise<unknown>;
  remove(name: string, access: Partial<AwsAccess>): Promise<unknown>;
  /** The policy's statements as ECR answers them, or undefined where there is no policy. */
  statements(name: string, region?: string): Promise<readonly Statement[] | undefined>;
  /** What an operator does with the console: replaces the policy by these statements. */
  setPolicy(name: string, statements: readonly object[], region?: string): Promise<unknown>;
}

export interface Statement {
  readonly Sid?: string;
  readonly [member: string]: unknown;
}

export interface RegistryOptions extends StackOptions {
  /** Fields of the binding beside those of the stack; `undefined` takes one away. */
  readonly binding?: object;
  readonly env?: Environment;
}

export const imageOf = (name: string): Image => buildImage({ seed: name, layers: [64] });

/** What access looks like on the wire. */
export const access = (parts: Partial<AwsAccess>): AwsAccess => ({
  type: "aws",
  accountIds: [],
  regions: [],
  roleArns: [],
  allowedServiceTypes: [],
  ...parts,
});

export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { binding = {}, env = {}, replicaRegions = [] } = options;
  const stack = await startStack(options);
  stack.useInThisProcess();
  const { emulator, account } = stack;
  const suite = await startSuite(
    platform,
    {
      ...stack.env(),
      AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
      ALIEN_IMAGES_BINDING: stack.binding("images", { replicationRegions: replicaRegions, ...binding }),
      ...env,
    },
    ["images"],
  );
  const byRegion = new Map<string, ECRClient>();
  const ecr = (region = stack.region) => {
    const client = byRegion.get(region) ?? clients(emulator, emulator.admin(), region).ecr;
    byRegion.set(region, client);
    return client;
  };
  let pusher: Promise<OciClient> | undefined;
  if (replicaRegions.length > 0) {
    const destinations = replicaRegions.map((region) => ({ region, registryId: account }));
    const rules = [{ destinations, repositoryFilters: [{ filter: "images", filterType: "PREFIX_MATCH" as const }] }];
    await ecr().send(new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } }));
  }
  let count = 0;
  const registry: TestRegistry = {
    stack,
    emulator,
    suite,
    ecr,
    async repository(stem = "app") {
      const { name } = await suite.ok("createRepository", { registry: "images", name: `${stem}-${++count}` });
      await registry.push(name);
      await emulator.replicate();
      return name;
    },
    lose(name, region) {
      emulator.world.registry(account, region).repositories.delete(name);
    },
    async push(name, tag = "1.0") {
      const image = imageOf(name);
      pusher ??= registryClient(emulator, emulator.admin(), stack.region);
      await pushImage(await pusher, name, tag, image);
      return image;
    },
    add: (repoId, parts) => suite.ok("addCrossAccountAccess", { registry: "images", repoId, access: access(parts) }),
    remove: (repoId, parts) =>
      suite.ok("removeCrossAccountAccess", { registry: "images", repoId, access: access(parts) }),
    async statements(repositoryName, region) {
      try {
        const { policyText = "" } = await ecr(region).send(new GetRepositoryPolicyCommand({ repositoryName }));
        return JSON.parse(policyText).Statement;
      } catch (error) {
        if (error instanceof Error && error.name === "RepositoryPolicyNotFoundException") return undefined;
        throw error;
      }
    },
    setPolicy: (repositoryName, statements, region) =>
      ecr(region).send(
        new SetRepositoryPolicyCommand({
          repositoryName,
          policyText: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
        }),
      ),
  };
  return registry;
}

/** One registry for the tests of a file. */
export function useRegistry(options: RegistryOptions = {}): () => TestRegistry {
  let registry: TestRegistry | undefined;
  beforeAll(async () => {
    registry = await startRegistry(options);
  });
  afterAll(async () => {
    await registry?.suite.stop();
    await registry?.stack.stop();
  });
  return () => {
    if (registry === undefined) throw new Error("The registry has not started.");
    return registry;
  };
}

/** A replica that exists without anything having been replicated. */
export async function addReplica({ ecr }: TestRegistry, repositoryName: string, region: string): Promise<void> {
  await ecr(region).send(new CreateRepositoryCommand({ repositoryName }));
}
