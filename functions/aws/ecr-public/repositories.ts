import {
  CreateRepositoryCommand,
  type CreateRepositoryCommandInput,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  type Repository,
} from "@aws-sdk/client-ecr-public";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import type { EcrPublicBinding } from "../binding.ts";
import { isServiceError } from "../errors.ts";
import { ownershipTagKey } from "../names.ts";
import { catalogInput, keepCatalog, refusedBinding, refusedData } from "./catalog.ts";
import { type EcrPublicContext, ecrPublic } from "./context.ts";

/** Creates the repository with the binding's catalog data and tags. One that exists gets the catalog data, and nothing else. */
export async function createRepository(
  context: EcrPublicContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const input = createInput(context.binding, name);
  try {
    const { repository } = await ecrPublic(
      context,
      call,
      "CreateRepository",
      (client, options) => client.send(new CreateRepositoryCommand(input), options),
      ["RepositoryAlreadyExistsException", ...refusedData],
    );
    return answer(name, repository);
  } catch (error) {
    if (isServiceError(error, ...refusedData)) throw refusedBinding(error);
    if (!isServiceError(error, "RepositoryAlreadyExistsException")) throw error;
  }
  const found = await findRepository(context, name, call);
  if (found !== undefined) {
    await keepCatalog(context, name, call);
    return answer(name, found);
  }
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `"${name}" was deleted while it was being created.`, {
    retryable: true,
  });
}

/** What is asked for a new repository: its name, what the gallery shows of it, and its tags, the ownership tag first. */
export function createInput(binding: EcrPublicBinding, name: RoutableName): CreateRepositoryCommandInput {
  const { repositoryPrefix, catalogData, repositoryDefaults } = binding;
  const tags = Object.entries(repositoryDefaults?.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  return {
    repositoryName: name,
    tags: [{ Key: ownershipTagKey, Value: repositoryPrefix }, ...tags],
    ...(catalogData && { catalogData: catalogInput(catalogData) }),
  };
}

/** @throws RESOURCE_NOT_FOUND */
export async function getRepository(
  context: EcrPublicContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const found = await findRepository(context, name, call);
  if (found !== undefined) return answer(name, found);
  throw notFound(name);
}

export function notFound(name: RoutableName): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${name}".`, {
    hint: "Create it with createRepository.",
  });
}

/** The repository as ECR Public describes it, or undefined where it says that there is none. */
export async function findRepository(
  context: EcrPublicContext,
  name: string,
  call: Call,
): Promise<Repository | undefined> {
  // An account whose public registry was never used may have none at all.
  const absent = ["RepositoryNotFoundException", "RegistryNotFoundException"];
  try {
    const { repositories } = await ecrPublic(
      context,
      call,
      "DescribeRepositories",
      (client, options) => client.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }), options),
      absent,
    );
    // An empty list is not its word for absence.
    return repositories?.[0] ?? {};
  } catch (error) {
    if (isServiceError(error, ...absent)) return undefined;
    throw error;
  }
}

/**
 * Deletes the repository with all its images. Idempotent.
 *
 * @throws INVALID_INPUT for the registry's own repository
 */
export async function deleteRepository(context: EcrPublicContext, name: RoutableName, call: Call): Promise<void> {
  if (name === context.binding.repositoryPrefix) {
    throw invalidInput(
      `"${name}" is the registry's own repository; it is not deleted by itself.`,
      "repoId",
      "Whoever made the registry removes it.",
    );
  }
  try {
    await ecrPublic(
      context,
      call,
      "DeleteRepository",
      (client, options) => client.send(new DeleteRepositoryCommand({ repositoryName: name, force: true }), options),
      ["RepositoryNotFoundException"],
    );
  } catch (error) {
    if (!isServiceError(error, "RepositoryNotFoundException")) throw error;
  }
}

/** A repository as callers see it. The name in an answer is the path that clients write: it begins with the account's alias. */
export function answer(name: RoutableName, repository: Repository | undefined): RepositoryResponse {
  if (repository?.repositoryName !== name || repository.repositoryUri === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR Public answered without the repository's URI.");
  }
  const { repositoryUri: uri, createdAt } = repository;
  return { name: uri.slice(uri.indexOf("/") + 1), uri, ...(createdAt && { createdAt: createdAt.toISOString() }) };
}
