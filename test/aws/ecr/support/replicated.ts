import { afterEach, beforeAll } from "vitest";
import type { AwsAccess } from "../../../../core/schemas.ts";
import { type Grant, grantSet } from "../../../../functions/aws/grants/grant.ts";
import { readPolicy } from "../../../../functions/aws/policy/read.ts";
import { writePolicy } from "../../../../functions/aws/policy/write.ts";
import { addRepository } from "../../../emulators/aws/ecr/state.ts";
import { bindPrincipals } from "../../../emulators/aws/identity/bound-principals.ts";
import type { AwsStack } from "../../support/stack.ts";
import { openApplication, type TestApplication } from "./application.ts";
import { makeConsumers } from "./consumers.ts";
import { type TestRegistry, useRegistry } from "./registry.ts";

export const home = "us-east-1";
export const west = "eu-west-1";
export const east = "ap-southeast-2";

/**
 * One registry with replicas in `west` and `east` for the tests of a file, its consumers, and the application in this process,
 * as Lambda runs it. After each test nothing is at fault any more.
 */
export function useReplicatedRegistry(): {
  readonly registry: () => TestRegistry;
  readonly application: () => TestApplication;
} {
  const registry = useRegistry({ replicaRegions: [west, east] });
  let application: TestApplication | undefined;
  beforeAll(() => {
    makeConsumers(registry().emulator);
    const env = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };
    application = openApplication(registry().stack, { binding: { replicationRegions: [west, east] }, env });
  });
  afterEach(() => {
    registry().emulator.faults.clear();
    registry().emulator.faults.before = undefined;
  });
  return {
    registry,
    application: () => {
      if (application === undefined) throw new Error("The application has not been opened.");
      return application;
    },
  };
}

/** Access for the workers of an account in these regions; in every region where none is named. */
export const worker = (account: string, ...regions: string[]): Partial<AwsAccess> => ({
  accountIds: [account],
  regions,
  allowedServiceTypes: ["worker"],
});

/** Puts a repository into the emulator's store, with these grants in a policy of ours, in each of the regions. */
export function seed(
  { emulator, account }: AwsStack,
  regions: readonly string[],
  name: string,
  grants: readonly Grant[],
): void {
  const { world, partition } = emulator;
  const { text } = writePolicy(readPolicy(undefined, { partition }), grantSet(grants), { partition });
  for (const region of regions) {
    const repository = addRepository(world.registry(account, region), name, world.clock());
    if (text !== undefined) repository.policy = bindPrincipals(world.directory, JSON.parse(text));
  }
}
