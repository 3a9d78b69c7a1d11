import type { Call } from "../call.ts";
import { requestTagKeys } from "../identity/authorization.ts";
import { paged, refusePages } from "../wire/paging.ts";
import { readTags, writeTags } from "../wire/tags.ts";
import { authorizedPublic, authorizePublic, EVERY_REPOSITORY, publicName, publicRegistryOf } from "./authorize.ts";
import { readCatalogData, storedCatalogData } from "./catalog-data.ts";
import { type PublicRepository, publicArn, requirePublic } from "./state.ts";

export async function createRepository(call: Call): Promise<object> {
  const { input, world } = call;
  const registry = publicRegistryOf(call);
  const name = publicName(input);
  const tags = readTags(input);
  const catalogData = readCatalogData(input.optionalRecord("catalogData"));
  await authorizePublic(call, registry, name, "CreateRepository", requestTagKeys(tags));
  if (tags.size > 0) await authorizePublic(call, registry, name, "TagResource", requestTagKeys(tags));
  if (registry.repositories.has(name)) {
    throw call.error(
      "RepositoryAlreadyExistsException",
      `The repository with name '${name}' already exists in the registry with id '${registry.account}'`,
    );
  }
  const repository: PublicRepository = {
    name,
    arn: publicArn(registry, name),
    uri: `public.ecr.aws/${registry.alias}/${name}`,
    registryId: registry.account,
    createdAt: world.clock(),
    tags,
    images: new Map(),
    policy: undefined,
    catalogData,
  };
  registry.repositories.set(name, repository);
  return { repository: describe(repository), catalogData: storedCatalogData(catalogData) };
}

export async function describeRepositories(call: Call): Promise<object> {
  const registry = publicRegistryOf(call);
  const names = call.input.texts("repositoryNames");
  for (const name of names.length > 0 ? names : [EVERY_REPOSITORY]) await authorizePublic(call, registry, name);
  if (names.length > 0) {
    refusePages(call, "repositoryNames");
    return { repositories: names.map((name) => describe(requirePublic(registry, name))) };
  }
  const all = [...registry.repositories.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const { items, nextToken } = paged(call, { all, keyOf: ({ name }) => name, of: "repositories" });
  return { repositories: items.map(describe), nextToken };
}

export async function deleteRepository(call: Call): Promise<object> {
  const repository = await authorizedPublic(call);
  if (repository.images.size > 0 && !call.input.flag("force")) {
    throw call.error(
      "RepositoryNotEmptyException",
      `The repository with name '${repository.name}' in registry with id '${repository.registryId}' cannot be deleted because it still contains images`,
    );
  }
  const registry = publicRegistryOf(call);
  registry.repositories.delete(repository.name);
  await call.world.dataPlane?.deletePublicRepository(`${registry.alias}/${repository.name}`);
  return { repository: describe(repository) };
}

export async function describeRegistries(call: Call): Promise<object> {
  await call.authorize({ action: "ecr-public:DescribeRegistries", resource: registryArn(call) });
  const { account, alias } = publicRegistryOf(call);
  const aliases = [{ name: alias, status: "ACTIVE", primaryRegistryAlias: true, defaultRegistryAlias: true }];
  const registryUri = `public.ecr.aws/${alias}`;
  return {
    registries: [{ registryId: account, registryArn: registryArn(call), registryUri, verified: false, aliases }],
  };
}

export async function tagResource(call: Call): Promise<object> {
  const tags = readTags(call.input);
  const repository = await byArn(call, requestTagKeys(tags));
  for (const [key, value] of tags) repository.tags.set(key, value);
  return {};
}

export async function untagResource(call: Call): Promise<object> {
  const keys = call.input.texts("tagKeys");
  const repository = await byArn(call, { "aws:TagKeys": [...keys] });
  for (const key of keys) repository.tags.delete(key);
  return {};
}

export async function listTagsForResource(call: Call): Promise<object> {
  return { tags: writeTags((await byArn(call)).tags) };
}

async function byArn(call: Call, context: Readonly<Record<string, string | string[]>> = {}): Promise<PublicRepository> {
  const arn = call.input.text("resourceArn");
  const registry = publicRegistryOf(call);
  const stem = publicArn(registry, "");
  if (!arn.startsWith(stem))
    throw call.input.invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'");
  const name = arn.slice(stem.length);
  await authorizePublic(call, registry, name, call.record.action, context);
  return requirePublic(registry, name);
}

function registryArn(call: Call): string {
  return `arn:${call.world.directory.partition}:ecr-public::${call.account}:registry/${call.account}`;
}

function describe({ arn, registryId, name, uri, createdAt }: PublicRepository): object {
  return { repositoryArn: arn, registryId, repositoryName: name, repositoryUri: uri, createdAt };
}
