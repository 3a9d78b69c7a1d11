import {
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  ListTagsForResourceCommand,
  type Repository,
  TagResourceCommand,
} from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { createInput } from "../ecr/repositories.ts";
import { isServiceError } from "../errors.ts";
import { ownershipTagKey, regionsTagKey } from "../ownership.ts";

/** The repository under the bare prefix: it holds the deployment images, and its tags say what the registry is. */
export interface OwnRepository {
  readonly arn: string;
  readonly account: string;
  /** Value of the ownership tag; undefined for a repository that somebody else made. */
  readonly owner: string | undefined;
  /** Regions that may hold replicas with grants, besides home. */
  readonly regions: readonly string[];
  /** Whether provisioning has been here: what was adopted bears no regions yet. */
  readonly provisioned: boolean;
}

/** @returns undefined where there is none */
export async function findOwnRepository(
  context: EcrContext,
  call: Call,
  name: string = context.binding.repositoryPrefix,
  region: string = context.place.region,
): Promise<OwnRepository | undefined> {
  const repository = await describe(context, name, region, call);
  const { repositoryArn: arn, registryId: account } = repository ?? {};
  if (arn === undefined || account === undefined) return undefined;
  const tags = await tagsOf(context, arn, region, call);
  const regions = (tags.get(regionsTagKey) ?? "").split(" ");
  return {
    arn,
    account,
    owner: tags.get(ownershipTagKey),
    regions: regions.filter((each) => each !== "" && each !== context.place.region),
    provisioned: tags.has(regionsTagKey),
  };
}

/** Value of the ownership tag of a repository; undefined where it has none, or has gone. */
export async function ownerOf(context: EcrContext, arn: string, call: Call): Promise<string | undefined> {
  try {
    return (await tagsOf(context, arn, context.place.region, call)).get(ownershipTagKey);
  } catch (error) {
    if (isServiceError(error, "RepositoryNotFoundException")) return undefined;
    throw error;
  }
}

async function tagsOf(
  context: EcrContext,
  resourceArn: string,
  region: string,
  call: Call,
): Promise<Map<string | undefined, string | undefined>> {
  const { tags = [] } = await ecr(
    context,
    call,
    "ListTagsForResource",
    (client, options) => client.send(new ListTagsForResourceCommand({ resourceArn }), options),
    { region, expected: ["RepositoryNotFoundException"] },
  );
  return new Map(tags.map(({ Key, Value }) => [Key, Value]));
}

export function foreignRepository(name: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${name}" exists and is not this registry's.`, {
    hint: `Give it the tag ${ownershipTagKey}=${name} to have it adopted, or choose another prefix. Nothing was changed.`,
  });
}

/**
 * Writes down the regions that may hold replicas with grants; does nothing where they stand already. Home is among
 * them, so that the tag is there, and not empty, once the registry is provisioned.
 */
export async function rememberRegions(
  context: EcrContext,
  own: OwnRepository,
  regions: readonly string[],
  call: Call,
): Promise<OwnRepository> {
  const value = (each: readonly string[]) => [context.place.region, ...[...each].sort()].join(" ");
  if (own.provisioned && value(own.regions) === value(regions)) return own;
  const tags = [{ Key: regionsTagKey, Value: value(regions) }];
  await ecr(context, call, "TagResource", (client, options) =>
    client.send(new TagResourceCommand({ resourceArn: own.arn, tags }), options),
  );
  return { ...own, regions, provisioned: true };
}

async function describe(
  context: EcrContext,
  name: string,
  region: string,
  call: Call,
): Promise<Repository | undefined> {
  try {
    const { repositories } = await ecr(
      context,
      call,
      "DescribeRepositories",
      (client, options) => client.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }), options),
      { region, expected: ["RepositoryNotFoundException"] },
    );
    return repositories?.[0];
  } catch (error) {
    if (isServiceError(error, "RepositoryNotFoundException")) return undefined;
    throw error;
  }
}

/** @throws RESOURCE_CONFLICT where somebody else was faster */
export async function createOwnRepository(context: EcrContext, call: Call): Promise<OwnRepository> {
  const { repositoryPrefix: name } = context.binding;
  try {
    const { repository } = await ecr(
      context,
      call,
      "CreateRepository",
      (client, options) => client.send(new CreateRepositoryCommand(createInput(context, name)), options),
      { expected: ["RepositoryAlreadyExistsException"] },
    );
    const { repositoryArn: arn, registryId: account } = repository ?? {};
    if (arn !== undefined && account !== undefined) {
      return { arn, account, owner: name, regions: [], provisioned: false };
    }
  } catch (error) {
    if (!isServiceError(error, "RepositoryAlreadyExistsException")) throw error;
  }
  // Ours if an answer was lost on the way.
  const found = await findOwnRepository(context, call);
  if (found?.owner === name) return found;
  throw foreignRepository(name);
}
