import type { Call } from "../call.ts";
import { requestTagKeys } from "../identity/authorization.ts";
import { paged, refusePages } from "../wire/paging.ts";
import { readTags } from "../wire/tags.ts";
import { authorizedRepository, authorizeName, EVERY_REPOSITORY, registryOf } from "./authorize.ts";
import { authorizeKeyRelease, encryptionOf } from "./encryption.ts";
import { legalName, repositoryName } from "./names.ts";
import { addRepository, type Repository, requireRepository } from "./state.ts";

export async function createRepository(call: Call): Promise<object> {
  const { input, world } = call;
  const registry = registryOf(call);
  const name = repositoryName(input);
  const tags = readTags(input);
  const mutability = input.optionalText("imageTagMutability") ?? "MUTABLE";
  requireMutability(call, mutability);
  requireExclusions(call, mutability);
  await authorizeName(call, registry, name, "CreateRepository", requestTagKeys(tags));
  if (tags.size > 0) await authorizeName(call, registry, name, "TagResource", requestTagKeys(tags));
  const encryption = await encryptionOf(call);
  if (registry.repositories.has(name)) {
    throw call.error(
      "RepositoryAlreadyExistsException",
      `The repository with name '${name}' already exists in the registry with id '${registry.account}'`,
    );
  }
  const repository: Repository = {
    ...addRepository(registry, name, world.clock()),
    tags,
    encryption,
    tagMutability: mutability,
    tagMutabilityExclusions: input.list("imageTagMutabilityExclusionFilters"),
    scanOnPush: input.optionalRecord("imageScanningConfiguration")?.flag("scanOnPush") ?? false,
  };
  registry.repositories.set(name, repository);
  return { repository: describe(repository) };
}

export async function describeRepositories(call: Call): Promise<object> {
  const { input } = call;
  const registry = registryOf(call);
  const names = input.texts("repositoryNames").map((name) => legalName(input, name, "repositoryNames"));
  if (names.length > 100) throw call.error("InvalidParameterException", "At most 100 repository names.");
  for (const name of names.length > 0 ? names : [EVERY_REPOSITORY]) await authorizeName(call, registry, name);
  if (names.length > 0) {
    refusePages(call, "repositoryNames");
    const repositories = names.map((name) => describe(requireRepository(registry, name)));
    return { repositories };
  }
  const all = [...registry.repositories.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const { items, nextToken } = paged(call, { all, keyOf: ({ name }) => name, of: "repositories" });
  return { repositories: items.map(describe), nextToken };
}

export async function deleteRepository(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  if (repository.images.size > 0 && !call.input.flag("force")) {
    throw call.error(
      "RepositoryNotEmptyException",
      `The repository with name '${repository.name}' in registry with id '${repository.registryId}' cannot be deleted because it still contains images`,
    );
  }
  await authorizeKeyRelease(call, repository);
  const registry = registryOf(call);
  registry.repositories.delete(repository.name);
  registry.pending = registry.pending.filter(({ repository: name }) => name !== repository.name);
  await call.world.dataPlane?.deleteRepository(registry, repository.name);
  return { repository: describe(repository) };
}

export async function putImageTagMutability(call: Call): Promise<object> {
  const mutability = call.input.text("imageTagMutability");
  requireMutability(call, mutability);
  requireExclusions(call, mutability);
  const repository = await authorizedRepository(call);
  repository.tagMutability = mutability;
  repository.tagMutabilityExclusions = call.input.list("imageTagMutabilityExclusionFilters");
  return { registryId: repository.registryId, repositoryName: repository.name, imageTagMutability: mutability };
}

export async function putImageScanningConfiguration(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  repository.scanOnPush = call.input.optionalRecord("imageScanningConfiguration")?.flag("scanOnPush") ?? false;
  return {
    registryId: repository.registryId,
    repositoryName: repository.name,
    imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
  };
}

function requireMutability(call: Call, value: string): void {
  const known = ["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"];
  if (known.includes(value)) return;
  throw call.input.invalid(
    `Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy enum value set: [${known.join(", ")}]'`,
  );
}

/** botocore 1.44, ImageTagMutabilityExclusionFilters; Amazon ECR user guide, "Preventing image tags from being overwritten". */
function requireExclusions(call: Call, mutability: string): void {
  const filters = call.input.records("imageTagMutabilityExclusionFilters");
  const legal = filters.every(
    (each) => each.text("filterType") === "WILDCARD" && /^[0-9a-zA-Z._*-]{1,128}$/.test(each.text("filter")),
  );
  if (legal && filters.length <= 5 && mutability.endsWith("_WITH_EXCLUSION") === filters.length > 0) return;
  throw call.input.invalid(
    "Invalid parameter at 'imageTagMutabilityExclusionFilters': it goes with a mutability WITH_EXCLUSION, and has 1 to 5 wildcard filters.",
  );
}

function describe(repository: Repository): object {
  const { registryId, arn, name, uri, createdAt, tagMutability, tagMutabilityExclusions } = repository;
  return {
    repositoryArn: arn,
    registryId,
    repositoryName: name,
    repositoryUri: uri,
    createdAt,
    imageTagMutability: tagMutability,
    ...(tagMutabilityExclusions.length > 0 ? { imageTagMutabilityExclusionFilters: tagMutabilityExclusions } : {}),
    imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
    encryptionConfiguration: repository.encryption,
  };
}
