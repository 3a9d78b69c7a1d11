import {
  CreateRepositoryCommand,
  type CreateRepositoryCommandInput,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  PutLifecyclePolicyCommand,
  type Repository,
} from "@aws-sdk/client-ecr";
import type { Call, UpstreamOptions } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import type { EcrBinding } from "../binding.ts";
import { ownershipTagKey, registryHost } from "../names.ts";
import { type EcrContext, type EcrRequestOptions, ecr, type PolicyLeases } from "./context.ts";
import { replicasOf } from "./regions.ts";

/**
 * Creates the repository with the binding's defaults, or answers the one that exists as it is. Its replicas are made too: ECR
 * would make them with settings of its own, when the first image comes. A region that cannot be reached does not fail it. The
 * same call again makes what is missing, and describeRegistry tells of it.
 */
export async function createRepository(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const created = await createIn(context.place.region, context, name, call);
  await createReplicas(context, leases, name, call);
  return created === "exists" ? getRepository(context, name, call) : answer(context, name, created);
}

/** How long one region may keep the others waiting. */
export const replicaLimits = { timeoutMs: 4_000, retry: { attempts: 2, baseMs: 100, capMs: 1_000 } };

async function createReplicas(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  call: Call,
): Promise<void> {
  // A binding without replicas is not asked for any: most have none, and pay for no look.
  if (context.replicaRegions.length === 0) return;
  try {
    await eachReplica(await replicasOf(context, leases, call), (region) =>
      createIn(region, context, name, call, replicaLimits),
    );
  } catch (error) {
    unlessOurMistake(error);
  }
}

/** Works in every region at once, whatever the others answer. */
export async function eachReplica(
  regions: readonly string[],
  work: (region: string) => Promise<unknown>,
): Promise<void> {
  await Promise.all(regions.map((region) => work(region).catch(unlessOurMistake)));
}

function unlessOurMistake(error: unknown): void {
  if (!(error instanceof ArtifactRegistryError)) throw error;
}

/** Creates the repository in one region, at home or as a replica, with the binding's defaults. */
export async function createIn(
  region: string,
  context: EcrContext,
  name: RoutableName,
  call: Call,
  limits?: UpstreamOptions,
): Promise<Repository | "exists" | undefined> {
  const input = createInput(context, name, region);
  const { kmsKey } = input.encryptionConfiguration ?? {};
  const { keepLast } = context.binding.repositoryDefaults ?? {};
  const key = kmsKey === undefined ? "" : "; kms:DescribeKey and kms:CreateGrant on the key";
  const needs = `ecr:CreateRepository and ecr:TagResource on the repository, in ${region}${key}`;
  const created = await ecr(
    context,
    call,
    "CreateRepository",
    (client, options) => client.send(new CreateRepositoryCommand(input), options),
    { region, limits, instead: { RepositoryAlreadyExistsException: "exists" }, needs },
  );
  // One that existed keeps the policy that it has; where it has none, an earlier try may have ended between the two requests.
  const where = { region, limits };
  const hasOne = async () => created === "exists" && (await hasLifecycle(context, name, call, where));
  if (keepLast !== undefined && !(await hasOne())) await putLifecycle(context, name, keepLast, call, where);
  return created === "exists" ? created : created.repository;
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
  limits?: UpstreamOptions,
): Promise<Repository | undefined> {
  const found = await ecr(
    context,
    call,
    "DescribeRepositories",
    (client, options) => client.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }), options),
    { region, limits, instead: { RepositoryNotFoundException: "absent" } },
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

/**
 * What a new repository is made with: the binding's defaults, and whose it is.
 *
 * @throws BINDING_CONFIG_INVALID for a replica whose region has no key to encrypt it with
 */
export function createInput(
  { binding, place }: EcrContext,
  name: string,
  region: string = place.region,
): CreateRepositoryCommandInput {
  const defaults = binding.repositoryDefaults ?? {};
  const { imageTagMutability, imageTagMutabilityExclusions: exclusions, scanOnPush, tags = {} } = defaults;
  const { encryptionType = "KMS" } = defaults;
  const kmsKey = keyIn(region, binding, place.region);
  const encrypts = kmsKey !== undefined || defaults.encryptionType !== undefined;
  return {
    repositoryName: name,
    tags: [
      { Key: ownershipTagKey, Value: binding.repositoryPrefix },
      ...Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    ],
    ...(imageTagMutability && { imageTagMutability }),
    ...(exclusions && {
      imageTagMutabilityExclusionFilters: exclusions.map((filter) => ({ filterType: "WILDCARD" as const, filter })),
    }),
    ...(scanOnPush !== undefined && { imageScanningConfiguration: { scanOnPush } }),
    ...(encrypts && { encryptionConfiguration: { encryptionType, ...(kmsKey !== undefined && { kmsKey }) } }),
  };
}

/** The key of one region. A key is in its region alone, unless it is a multi-Region key, and an alias is one of each region. */
function keyIn(region: string, { repositoryDefaults = {} }: EcrBinding, home: string): string | undefined {
  const { kmsKey, replicaKmsKeys = {} } = repositoryDefaults;
  if (kmsKey === undefined || region === home) return kmsKey;
  const own = replicaKmsKeys[region];
  if (own !== undefined) return own;
  const [, front, back] = /^(arn:[^:]+:kms:)[^:]+(:\d+:(?:key\/mrk-|alias\/).+)$/.exec(kmsKey) ?? [];
  if (front !== undefined && back !== undefined) return `${front}${region}${back}`;
  if (/^(?:mrk-|alias\/)/.test(kmsKey)) return kmsKey;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no KMS key for ${region}.`, {
    hint: "Name it in repositoryDefaults.replicaKmsKeys, or use a multi-Region key or an alias.",
  });
}

type Where = Pick<EcrRequestOptions<never>, "region" | "limits">;

async function putLifecycle(
  context: EcrContext,
  name: RoutableName,
  keepLast: number,
  call: Call,
  where: Where,
): Promise<void> {
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
  await ecr(
    context,
    call,
    "PutLifecyclePolicy",
    (client, options) =>
      client.send(new PutLifecyclePolicyCommand({ repositoryName: name, lifecyclePolicyText }), options),
    where,
  );
}

async function hasLifecycle(context: EcrContext, name: RoutableName, call: Call, where: Where): Promise<boolean> {
  return (await readLifecycle(context, name, call, where)) !== undefined;
}

/** The lifecycle policy of a repository as ECR has it; undefined where there is none. */
export async function readLifecycle(
  context: EcrContext,
  name: string,
  call: Call,
  where: Where,
): Promise<string | undefined> {
  const found = await ecr(
    context,
    call,
    "GetLifecyclePolicy",
    (client, options) => client.send(new GetLifecyclePolicyCommand({ repositoryName: name }), options),
    { ...where, instead: { LifecyclePolicyNotFoundException: "absent" } },
  );
  return found === "absent" ? undefined : (found.lifecyclePolicyText ?? "");
}

/** A repository as callers see it. */
export function answer(
  { place }: EcrContext,
  name: RoutableName,
  repository: Repository | undefined,
): RepositoryResponse {
  if (repository?.repositoryName !== name || repository.repositoryUri === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR answered without the repository's URI.");
  }
  const { repositoryUri, registryId, createdAt } = repository;
  // ECR always answers the host that IPv4 alone reaches.
  const isMoved = place.dualStack && registryId !== undefined;
  const uri = isMoved ? `${registryHost(place, registryId, place.region)}/${name}` : repositoryUri;
  return { name, uri, ...(createdAt && { createdAt: createdAt.toISOString() }) };
}
