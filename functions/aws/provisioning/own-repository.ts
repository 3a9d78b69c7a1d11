import { CreateRepositoryCommand, ListTagsForResourceCommand, TagResourceCommand } from "@aws-sdk/client-ecr";
import type { Call, UpstreamOptions } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { createInput, describeRepository, eachReplica, replicaLimits } from "../ecr/repositories.ts";
import { ownershipTagKey, regionsTagKey, replicaTagKey } from "../names.ts";
import { roleArn, roleName } from "../policy/roles.ts";

/** The repository under the bare prefix. It holds the deployment images, and its tags say what the registry is. */
export interface OwnRepository {
  readonly arn: string;
  readonly account: string;
  /** Value of the ownership tag; undefined for a repository that somebody else made, and for a replica. */
  readonly owner: string | undefined;
  /** The home region of a replica that provisioning made. */
  readonly replicaOf: string | undefined;
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
  const regions = regionsInTag(tags.get(regionsTagKey) ?? "");
  return {
    arn,
    account,
    owner: tags.has(replicaTagKey) ? undefined : tags.get(ownershipTagKey),
    replicaOf: tags.get(replicaTagKey),
    regions: regions.filter((each) => each !== context.place.region),
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

/** @param replicaOf the home region that a tag of the repository names */
export function foreignRepository(name: string, replicaOf?: string): ArtifactRegistryError {
  const adopt =
    replicaOf === undefined
      ? `Give it the tag ${ownershipTagKey}=${name} to have it adopted, or choose another prefix.`
      : `Provision the registry there. If it has no home any more, take the tag ${replicaTagKey} away to have this one adopted.`;
  const what =
    replicaOf === undefined ? "exists and is not this registry's" : `is a replica of the one in ${replicaOf}`;
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${name}" ${what}.`, {
    hint: `${adopt} Nothing was changed.`,
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
  const [before, after] = [own.regions, regions].map((each) => regionsTagValue(context.place.region, each));
  if (own.provisioned && before === after) return own;
  const tags = [{ Key: regionsTagKey, Value: after }];
  await ecr(context, call, "TagResource", (client, options) =>
    client.send(new TagResourceCommand({ resourceArn: own.arn, tags }), options),
  );
  return { ...own, regions, provisioned: true };
}

/** How many characters the value of a tag may have (ECR and IAM, TagResource). */
const tagValueLimit = 256;

/**
 * Regions as the value of a tag, home first: separated by spaces, as in `us-east-1 eu-west-1`. Where that is too long, they are
 * grouped: `ap-south-1+2/southeast-1+3 eu-west-1`. All of AWS's 36 regions fit so.
 *
 * @throws QUOTA_EXCEEDED for regions that do not fit
 */
export function regionsTagValue(home: string, regions: readonly string[]): string {
  const plain = [home, ...[...regions].sort()].join(" ");
  const value = plain.length <= tagValueLimit ? plain : grouped([home, ...regions]);
  if (value.length <= tagValueLimit) return value;
  throw new ArtifactRegistryError(
    "QUOTA_EXCEEDED",
    `The names of ${regions.length} regions make a tag of ${value.length} characters, and AWS takes ${tagValueLimit}.`,
    { hint: "Name fewer regions, or finish first what takes earlier ones away. Nothing was changed." },
  );
}

function grouped(regions: readonly string[]): string {
  const areas = new Map<string, Map<string, string[]>>();
  for (const region of [...new Set(regions)].sort()) {
    const [area = "", ...rest] = region.split("-");
    const number = rest.pop() ?? "";
    const directions = areas.get(area) ?? new Map<string, string[]>();
    areas.set(area, directions);
    directions.set(rest.join("-"), [...(directions.get(rest.join("-")) ?? []), number]);
  }
  const write = ([area, directions]: [string, Map<string, string[]>]) =>
    `${area}-${[...directions].map(([direction, numbers]) => `${direction}-${numbers.join("+")}`).join("/")}`;
  return [...areas].map(write).join(" ");
}

/** The regions in a tag of either form. */
export function regionsInTag(value: string): string[] {
  return value.split(" ").flatMap((group) => {
    const [area = ""] = group.split("-");
    return group
      .slice(area.length + 1)
      .split("/")
      .flatMap((part) => {
        const at = part.lastIndexOf("-");
        return at < 0
          ? []
          : part
              .slice(at + 1)
              .split("+")
              .map((number) => `${area}-${part.slice(0, at)}-${number}`);
      });
  });
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
  if (arn !== undefined && account !== undefined) {
    return { arn, account, owner: name, replicaOf: undefined, regions: [], provisioned: false };
  }
  // It may be ours: the answer to an earlier try may have been lost.
  const found = await findOwnRepository(context, call);
  if (found?.owner === name) return found;
  throw foreignRepository(name);
}

/**
 * Makes the replica of the registry's own repository in every region that lacks it, with the binding's defaults, as createRepository
 * makes the others. It gets no lifecycle policy, since the one at home has none. A region that cannot be reached does not fail it.
 */
export async function createOwnReplicas(context: EcrContext, regions: readonly string[], call: Call): Promise<void> {
  await eachReplica(regions, (region) => createOwnReplica(region, context, call, replicaLimits));
}

/** The same in one region. @throws where it cannot be made */
export async function createOwnReplica(
  region: string,
  context: EcrContext,
  call: Call,
  limits?: UpstreamOptions,
): Promise<void> {
  const { repositoryPrefix: name } = context.binding;
  if ((await describeRepository(context, name, call, region, limits)) !== undefined) return;
  const { tags = [], ...input } = createInput(context, name, region);
  const marked = { ...input, tags: [...tags, { Key: replicaTagKey, Value: context.place.region }] };
  await ecr(
    context,
    call,
    "CreateRepository",
    (client, options) => client.send(new CreateRepositoryCommand(marked), options),
    { region, limits, instead: { RepositoryAlreadyExistsException: "exists" } },
  );
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
