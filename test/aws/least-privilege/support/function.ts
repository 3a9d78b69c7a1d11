import {
  CreateRepositoryCommand,
  DeleteRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { createDirectory, type RegistryDirectory } from "../../../../core/bindings.ts";
import { startCall } from "../../../../core/call.ts";
import type { EcrRegistry } from "../../../../functions/aws/ecr/adapter.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { ownershipTagKey, regionsTagKey } from "../../../../functions/aws/names.ts";
import { pushImage } from "../../../../oci/client/index.ts";
import type { CallRecord } from "../../../emulators/aws/call.ts";
import type { Statement } from "../../../emulators/aws/identity/documents.ts";
import { clients, registryClient } from "../../../emulators/aws/support.ts";
import { type ExecutionDoor, type ExecutionScope, executionStatements } from "../../../infra/support/aws-roles.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { type AwsStack, startStack } from "../../support/stack.ts";
import { account, boundaryName, consumer, home, keyArn, replica, replicaKeyArn, scope } from "./scope.ts";

/** A function behind one door, under a role that has exactly the door's policy. */
export interface DoorFunction {
  readonly stack: AwsStack;
  readonly boundary: string;
  readonly deadLetterQueueUrl: string;
  /** The registry `images`, bound, or one that is derived. */
  registry(name?: string): Promise<EcrRegistry>;
  /** What the function's own role has called. */
  calls(): CallRecord[];
  /** By somebody who may do everything. */
  forgetPolicy(name: string): Promise<void>;
  repository(
    name: string,
    options?: { region?: string; owner?: string; policy?: object; isPushed?: boolean },
  ): Promise<void>;
}

export async function startDoor(door: ExecutionDoor, of: ExecutionScope = scope): Promise<DoorFunction> {
  const stack = await startStack({
    accounts: [consumer],
    prefixes: door === "provision" ? [] : ["images", "acme-builds"],
    replicaRegions: [replica],
    functionPolicies: executionStatements(door, of) as readonly Statement[],
  });
  stack.useInThisProcess();
  const { emulator } = stack;
  const boundary = emulator.managedPolicy(account, boundaryName, { Effect: "Allow", Action: "ecr:*", Resource: "*" });
  emulator.world.registry(account, home).repositories.get("acme-builds")?.tags.set(regionsTagKey, `${home} ${replica}`);
  const more = {
    replicationRegions: [replica],
    repositoryDefaults: { keepLast: 3, kmsKey: keyArn, replicaKmsKeys: { [replica]: replicaKeyArn } },
  };
  const env = {
    ...stack.env(),
    ALIEN_DOOR: door,
    ALIEN_ROLE_PATH: of.rolePath,
    ALIEN_STACK_PREFIX: "acme",
    ALIEN_LEASE_TABLE: stack.leaseTable,
    ALIEN_PERMISSIONS_BOUNDARY_ARN: boundary,
    ALIEN_IMAGES_BINDING: stack.binding("images", more),
  };
  let directory: RegistryDirectory | undefined;
  return {
    stack,
    boundary,
    deadLetterQueueUrl: emulator.queue(account, home, "dead-letters"),
    async registry(name = "images") {
      directory ??= createDirectory(platform, env, ["images"]);
      return (await directory.open(name)) as EcrRegistry;
    },
    calls: () => emulator.calls.filter(({ principal }) => principal?.includes(":assumed-role/function/")),
    async forgetPolicy(repositoryName) {
      const { ecr } = clients(emulator, emulator.admin());
      await ecr.send(new DeleteRepositoryPolicyCommand({ repositoryName }));
    },
    async repository(repositoryName, { region = home, owner, policy, isPushed = false } = {}) {
      const { ecr } = clients(emulator, emulator.admin(), region);
      const tags = owner === undefined ? [] : [{ Key: ownershipTagKey, Value: owner }];
      // The replica of a repository that we created is there already.
      const isThere = emulator.world.registry(account, region).repositories.has(repositoryName);
      if (!isThere) await ecr.send(new CreateRepositoryCommand({ repositoryName, tags, ...encryptionIn(region) }));
      if (isPushed) {
        const client = await registryClient(emulator, emulator.admin(), region);
        await pushImage(client, repositoryName, "1.0", buildImage({ seed: repositoryName }));
      }
      if (policy === undefined) return;
      await ecr.send(new SetRepositoryPolicyCommand({ repositoryName, policyText: JSON.stringify(policy) }));
    },
  };
}

/** As createRepository makes replicas. */
function encryptionIn(region: string) {
  return region === replica && { encryptionConfiguration: { encryptionType: "KMS" as const, kmsKey: replicaKeyArn } };
}

export const call = () =>
  startCall({
    requestId: "request-1",
    caller: { issuer: "door", subject: "alice" },
    signal: AbortSignal.timeout(20_000),
    now: () => new Date(),
    retry: { attempts: 1, baseMs: 1, capMs: 1 },
  });
