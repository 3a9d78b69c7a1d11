import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  ListTagsForResourceCommand,
  type Repository,
  TagResourceCommand,
} from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { isServiceError } from "../errors.ts";
import { ownershipTag, ownershipTagKey, regionsTagKey } from "../ownership.ts";

/** The repository under the bare prefix: it holds the deployment images, and its tags say what the registry is. */
export interface OwnRepository {
  readonly arn: string;
  readonly account: string;
  /** Value of the ownership tag; undefined for a repository that somebody else made. */
  readonly owner: string | undefined;
  /** Regions that may hold replicas with grants. */
  readonly regions: readonly string[];
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
  const { tags = [] } = await ecr(
    context,
    call,
    "ListTagsForResource",
    (client, options) => client.send(new ListTagsForResourceCommand({ resourceArn: arn }), options),
    { region },
  );
  const valueOf = (key: string) => tags.find(({ Key }) => Key === key)?.Value;
  const regions = (valueOf(regionsTagKey) ?? "").split(" ").filter((each) => each !== "");
  return { arn, account, owner: valueOf(ownershipTagKey), regions };
}

/** @throws RESOURCE_CONFLICT where somebody else's repository has the name */
export async function ensureOwnRepository(context: EcrContext, call: Call): Promise<OwnRepository> {
  const { repositoryPrefix: name } = context.binding;
  const found = (await findOwnRepository(context, call)) ?? (await create(context, name, call));
  if (found?.owner === name) return found;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${name}" exists and is not this registry's.`, {
    hint: `Give it the tag ${ownershipTagKey}=${name} to have it adopted, or choose another prefix.`,
  });
}

/** Writes down the regions that may hold replicas with grants. */
export async function rememberRegions(
  context: EcrContext,
  { arn }: OwnRepository,
  regions: readonly string[],
  call: Call,
): Promise<void> {
  const tags = [{ Key: regionsTagKey, Value: [...regions].sort().join(" ") }];
  await ecr(context, call, "TagResource", (client, options) =>
    client.send(new TagResourceCommand({ resourceArn: arn, tags }), options),
  );
}

export async function deleteIfThere(context: EcrContext, name: string, region: string, call: Call): Promise<void> {
  try {
    await ecr(
      context,
      call,
      "DeleteRepository",
      (client, options) => client.send(new DeleteRepositoryCommand({ repositoryName: name, force: true }), options),
      { region, expected: ["RepositoryNotFoundException"] },
    );
  } catch (error) {
    if (!isServiceError(error, "RepositoryNotFoundException")) throw error;
  }
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

async function create(context: EcrContext, name: string, call: Call): Promise<OwnRepository | undefined> {
  try {
    const { repository } = await ecr(
      context,
      call,
      "CreateRepository",
      (client, options) =>
        client.send(new CreateRepositoryCommand({ repositoryName: name, tags: [ownershipTag(name)] }), options),
      { expected: ["RepositoryAlreadyExistsException"] },
    );
    const { repositoryArn: arn, registryId: account } = repository ?? {};
    return arn === undefined || account === undefined ? undefined : { arn, account, owner: name, regions: [] };
  } catch (error) {
    if (!isServiceError(error, "RepositoryAlreadyExistsException")) throw error;
    return findOwnRepository(context, call);
  }
}
