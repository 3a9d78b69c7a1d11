import {
  CreateRepositoryCommand,
  type CreateRepositoryCommandInput,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  PutLifecyclePolicyCommand,
  type Repository,
} from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { ownershipTagKey, registryHost } from "../names.ts";
import { type EcrContext, ecr } from "./context.ts";

/** Creates the repository with the binding's defaults, or answers the one that exists as it is. */
export async function createRepository(
  context: EcrContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const { kmsKey, keepLast } = context.binding.repositoryDefaults ?? {};
  const key = kmsKey === undefined ? "" : "; kms:DescribeKey and kms:CreateGrant on the key";
  const needs = `ecr:CreateRepository and ecr:TagResource on the repository, in ${context.place.region}${key}`;
  const created = await ecr(
    context,
    call,
    "CreateRepository",
    (client, options) => client.send(new CreateRepositoryCommand(createInput(context, name)), options),
    { instead: { RepositoryAlreadyExistsException: "exists" }, needs },
  );
  if (keepLast !== undefined) await ensureLifecycle(context, name, keepLast, created !== "exists", call);
  return created === "exists" ? getRepository(context, name, call) : answer(context, name, created.repository);
}

/** @throws RESOURCE_NOT_FOUND */
export async function getRepository(context: EcrContext, name: RoutableName, call: Call): Promise<RepositoryResponse> {
  const found = await describeRepository(context, name, call);
  if (found === undefined) throw notFound(context, name);
  return answer(context, name, found);
}

/** The repository of this name as ECR describes it, at home unless another region is named; undefined where there is none. */
export async function describeRepository(
  context: EcrContext,
  name: string,
  call: Call,
  region: string = context.place.region,
): Promise<Repository | undefined> {
  const found = await ecr(
    context,
    call,
    "DescribeRepositories",
    (client, options) => client.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }), options),
    { region, instead: { RepositoryNotFoundException: "absent" } },
  );
  if (found === "absent") return undefined;
  const [repository] = found.repositories ?? [];
  if (repository !== undefined) return repository;
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR answered without the repository.");
}

export function notFound({ replicaRegions }: EcrContext, name: RoutableName): ArtifactRegistryError {
  const more =
    "If it was deleted by hand, deleteRepository removes the replicas that it left, which may still be open.";
  return new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${name}".`, {
    hint: `Create it with createRepository.${replicaRegions.length > 0 ? ` ${more}` : ""}`,
  });
}

/** What a new repository is made with: the binding's defaults, and whose it is. */
export function createInput({ binding }: EcrContext, name: string): CreateRepositoryCommandInput {
  const { imageTagMutability, scanOnPush, kmsKey, tags = {} } = binding.repositoryDefaults ?? {};
  return {
    repositoryName: name,
    tags: [
      { Key: ownershipTagKey, Value: binding.repositoryPrefix },
      ...Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    ],
    ...(imageTagMutability && { imageTagMutability }),
    ...(scanOnPush !== undefined && { imageScanningConfiguration: { scanOnPush } }),
    ...(kmsKey !== undefined && { encryptionConfiguration: { encryptionType: "KMS", kmsKey } }),
  };
}

/**
 * Gives the repository its lifecycle policy. One that existed keeps the policy that it has; where it has none, an earlier
 * try may have ended between the two requests.
 */
async function ensureLifecycle(
  context: EcrContext,
  name: RoutableName,
  keepLast: number,
  isNew: boolean,
  call: Call,
): Promise<void> {
  if (!isNew && (await hasLifecycle(context, name, call))) return;
  const lifecyclePolicyText = JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        description: `keep the last ${keepLast} images`,
        selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: keepLast },
        action: { type: "expire" },
      },
    ],
  });
  await ecr(context, call, "PutLifecyclePolicy", (client, options) =>
    client.send(new PutLifecyclePolicyCommand({ repositoryName: name, lifecyclePolicyText }), options),
  );
}

async function hasLifecycle(context: EcrContext, name: RoutableName, call: Call): Promise<boolean> {
  const found = await ecr(
    context,
    call,
    "GetLifecyclePolicy",
    (client, options) => client.send(new GetLifecyclePolicyCommand({ repositoryName: name }), options),
    { instead: { LifecyclePolicyNotFoundException: "absent" } },
  );
  return found !== "absent";
}

function answer({ place }: EcrContext, name: RoutableName, repository: Repository | undefined): RepositoryResponse {
  if (repository?.repositoryName !== name || repository.repositoryUri === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR answered without the repository's URI.");
  }
  const { repositoryUri, registryId, createdAt } = repository;
  // ECR always answers the host that IPv4 alone reaches.
  const isMoved = place.dualStack && registryId !== undefined;
  const uri = isMoved ? `${registryHost(place, registryId, place.region)}/${name}` : repositoryUri;
  return { name, uri, ...(createdAt && { createdAt: createdAt.toISOString() }) };
}
