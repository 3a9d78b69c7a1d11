import { CreateRepositoryCommand, ListTagsForResourceCommand, TagResourceCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { createInput, describeRepository } from "../ecr/repositories.ts";
import { ownershipTagKey, regionsTagKey } from "../names.ts";
import { roleArn, roleName } from "../policy/roles.ts";

/** The repository under the bare prefix. It holds the deployment images, and its tags say what the registry is. */
export interface OwnRepository {
  readonly arn: string;
  readonly account: string;
  /** Value of the ownership tag; undefined for a repository that somebody else made. */
  readonly owner: string | undefined;
  /** Regions that may hold replicas with grants, besides home. */
  readonly regions: readonly string[];
  /** Whether provisioning has written its tag of regions here. A repository that was only adopted does not have it yet. */
  readonly provisioned: boolean;
}

/** @returns undefined where there is none */
export async function findOwnRepository(
  context: EcrContext,
  call: Call,
  name: string = context.binding.repositoryPrefix,
  region: string = context.place.region,
): Promise<OwnRepository | undefined> {
  const repository = await describeRepository(context, name, call, region);
  const { repositoryArn: arn, registryId: account } = repository ?? {};
  if (arn === undefined || account === undefined) return undefined;
  const tags = await tagsOf(context, arn, region, call);
  // It was deleted since it was described.
  if (tags === undefined) return undefined;
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
  return (await tagsOf(context, arn, context.place.region, call))?.get(ownershipTagKey);
}

async function tagsOf(
  context: EcrContext,
  resourceArn: string,
  region: string,
  call: Call,
): Promise<Map<string | undefined, string | undefined> | undefined> {
  const answer = await ecr(
    context,
    call,
    "ListTagsForResource",
    (client, options) => client.send(new ListTagsForResourceCommand({ resourceArn }), options),
    { region, instead: { RepositoryNotFoundException: "absent" } },
  );
  if (answer === "absent") return undefined;
  return new Map((answer.tags ?? []).map(({ Key, Value }) => [Key, Value]));
}

export function foreignRepository(name: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${name}" exists and is not this registry's.`, {
    hint: `Give it the tag ${ownershipTagKey}=${name} to have it adopted, or choose another prefix. Nothing was changed.`,
  });
}

/**
 * Writes down in a tag the regions that may hold replicas with grants, unless the tag says so already. The home region is one
 * of them, so that every registry that is provisioned has the tag, and the tag is not empty.
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

/** Creates the registry's own repository. @throws RESOURCE_CONFLICT where somebody else was faster */
export async function createOwnRepository(context: EcrContext, call: Call): Promise<OwnRepository> {
  const { repositoryPrefix: name } = context.binding;
  const created = await ecr(
    context,
    call,
    "CreateRepository",
    (client, options) => client.send(new CreateRepositoryCommand(createInput(context, name)), options),
    { instead: { RepositoryAlreadyExistsException: "exists" } },
  );
  const { repositoryArn: arn, registryId: account } = (created !== "exists" && created.repository) || {};
  if (arn !== undefined && account !== undefined) return { arn, account, owner: name, regions: [], provisioned: false };
  // It may be ours: the answer to an earlier try may have been lost.
  const found = await findOwnRepository(context, call);
  if (found?.owner === name) return found;
  throw foreignRepository(name);
}

/**
 * Completes a derived binding from the tags of the registry's own repository. Such a binding holds only where that repository
 * carries our tag.
 *
 * @throws BINDING_NOT_CONFIGURED where the registry was never provisioned, or is somebody else's
 */
export async function completeDerived(context: EcrContext, call: Call): Promise<EcrContext> {
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const own = await findOwnRepository(context, call);
  if (own?.owner !== prefix) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", "The registry is not bound, and was not provisioned.", {
      hint: "Run provisionRegistry for it, or set its binding.",
      context: { field: "registry" },
    });
  }
  const arnOf = (kind: "pull" | "push") =>
    roleArn(place.partition, own.account, roleName(prefix, kind), place.rolePath);
  return {
    ...context,
    binding: { ...binding, pullRoleArn: arnOf("pull"), pushRoleArn: arnOf("push") },
    replicaRegions: own.regions.filter((region) => region !== place.region),
  };
}
