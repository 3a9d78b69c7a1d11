import { randomUUID } from "node:crypto";
import {
  CreateRepositoryCommand,
  type CreateRepositoryCommandInput,
  PutReplicationConfigurationCommand,
} from "@aws-sdk/client-ecr";
import { afterAll, beforeAll } from "vitest";
import type { Environment } from "../../../../core/platform.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { pushImage } from "../../../../oci/client/index.ts";
import { type Suite, startSuite } from "../../../contract/harness.ts";
import type { EmulatorOptions } from "../../../emulators/aws/index.ts";
import { clients, registryClient } from "../../../emulators/aws/support.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { type AwsStack, startStack } from "../../support/stack.ts";

export const home = "us-east-1";
export const replica = "eu-west-1";
export const further = "ap-southeast-1";
/** An account that is granted access. */
export const consumer = "444455556666";

/** The permissions boundary that every role of a test gets. */
export const boundaryName = "minting-boundary";

/** One account without any registry for the tests of a file, and this process as its functions. */
export function useAccount(options: EmulatorOptions = {}): () => Account {
  let account: Account | undefined;
  beforeAll(async () => {
    const stack = await startStack({ prefixes: [], replicaRegions: [replica, further], ...options });
    stack.useInThisProcess();
    account = new Account(stack);
  });
  afterAll(async () => {
    await account?.close();
    await account?.stack.stop();
  });
  return () => {
    if (account === undefined) throw new Error("The account has not been set up.");
    return account;
  };
}

export interface OpenOptions {
  /** More than the prefix and the table. */
  readonly binding?: object;
  /** Instead of the bindings, where registries are derived from `ALIEN_STACK_PREFIX`. */
  readonly env?: Environment;
}

export class Account {
  readonly stack: AwsStack;
  readonly boundary: string;
  readonly #suites: Suite[] = [];

  constructor(stack: AwsStack) {
    this.stack = stack;
    const allow = { Effect: "Allow", Action: "ecr:*", Resource: "*" } as const;
    this.boundary = stack.emulator.managedPolicy(stack.account, boundaryName, allow);
  }

  get emulator() {
    return this.stack.emulator;
  }

  get admin() {
    return clients(this.emulator);
  }

  /** A prefix that nothing has yet. */
  fresh(word = "reg"): string {
    return `${word}${randomUUID().slice(0, 6)}`;
  }

  env(more: Environment = {}): Environment {
    return { ...this.stack.env(), ALIEN_PERMISSIONS_BOUNDARY_ARN: this.boundary, ...more };
  }

  /** The suite over HTTP; its registry `images` has this prefix. */
  async open(prefix: string, { binding = {}, env = {} }: OpenOptions = {}): Promise<Suite> {
    const bound = { service: "ecr", repositoryPrefix: prefix, leaseTable: this.stack.leaseTable, ...binding };
    return this.openDerived({ ALIEN_IMAGES_BINDING: JSON.stringify(bound), ...env });
  }

  async openDerived(env: Environment): Promise<Suite> {
    const suite = await startSuite(platform, this.env(env), ["images", "builds"]);
    this.#suites.push(suite);
    return suite;
  }

  /** Somebody's repository, as they made it. */
  async repository(name: string, tags: Record<string, string> = {}, region = home): Promise<void> {
    const input: CreateRepositoryCommandInput = {
      repositoryName: name,
      tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    };
    await clients(this.emulator, this.emulator.admin(), region).ecr.send(new CreateRepositoryCommand(input));
  }

  /** Pushes an image as somebody who may do everything. */
  async push(name: string, region = home): Promise<void> {
    const client = await registryClient(this.emulator, this.emulator.admin(), region);
    await pushImage(client, name, "1.0", buildImage({ seed: name }));
  }

  repositories(region = home): string[] {
    return [...this.#registry(region).repositories.keys()];
  }

  tags(name: string, region = home): Record<string, string> {
    return Object.fromEntries(this.#registry(region).repositories.get(name)?.tags ?? []);
  }

  policy(name: string, region = home): string | undefined {
    const policy = this.#registry(region).repositories.get(name)?.policy;
    return policy && JSON.stringify(policy.document);
  }

  role(name: string) {
    return this.emulator.world.directory.account(this.stack.account).roles.get(name);
  }

  rules() {
    return this.#registry(home).rules;
  }

  async setRules(rules: readonly Rule[]): Promise<void> {
    const replicationConfiguration = { rules: rules.map(toSdk) };
    await this.admin.ecr.send(new PutReplicationConfigurationCommand({ replicationConfiguration }));
  }

  #registry(region: string) {
    return this.emulator.world.registry(this.stack.account, region);
  }

  async close(): Promise<void> {
    await Promise.all(this.#suites.map((suite) => suite.stop()));
  }
}

export interface Rule {
  readonly to: readonly (string | readonly [region: string, account: string])[];
  readonly filters: readonly string[];
}

function toSdk({ to, filters }: Rule) {
  return {
    destinations: to.map((each) => {
      const [region, registryId] = typeof each === "string" ? [each, "111122223333"] : each;
      return { region, registryId };
    }),
    ...(filters.length > 0 && {
      repositoryFilters: filters.map((filter) => ({ filter, filterType: "PREFIX_MATCH" as const })),
    }),
  };
}

/** A rule as the registry holds it. */
export const rule = (filter: string, ...regions: string[]) => ({
  destinations: regions.map((region) => ({ region, registryId: "111122223333" })),
  repositoryFilters: [{ filter, filterType: "PREFIX_MATCH" }],
});
