import { DescribeRepositoriesCommand, ListImagesCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { isServiceError } from "../errors.ts";
import { ownershipTagKey } from "../ownership.ts";
import { findOwnRepository } from "./own-repository.ts";

/** Names of all repositories of the account in a region that begin with the prefix, whosever they are. */
export async function namesWithPrefix(
  context: EcrContext,
  prefix: string,
  region: string,
  call: Call,
): Promise<string[]> {
  const names: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await ecr(
      context,
      call,
      "DescribeRepositories",
      (client, options) =>
        client.send(new DescribeRepositoriesCommand({ maxResults: 1_000, ...(nextToken && { nextToken }) }), options),
      { region },
    );
    for (const { repositoryName: name } of page.repositories ?? []) {
      if (name?.startsWith(prefix)) names.push(name);
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return names;
}

/** Whether a repository belongs to the registry: `{prefix}-…`. */
export function isInside(name: string, prefix: string): boolean {
  return name.startsWith(`${prefix}-`);
}

export async function holdsImages(context: EcrContext, name: string, call: Call): Promise<boolean> {
  try {
    const { imageIds = [] } = await ecr(
      context,
      call,
      "ListImages",
      (client, options) => client.send(new ListImagesCommand({ repositoryName: name, maxResults: 1 }), options),
      { expected: ["RepositoryNotFoundException"] },
    );
    return imageIds.length > 0;
  } catch (error) {
    if (isServiceError(error, "RepositoryNotFoundException")) return false;
    throw error;
  }
}

/**
 * Refuses a prefix that another registry's would overlap with: one that extends it (`images-dev` beside `images`), or one
 * that it extends. The tags of the registries' own repositories tell.
 *
 * @throws RESOURCE_CONFLICT
 */
export async function refuseOverlappingRegistries(
  context: EcrContext,
  names: readonly string[],
  call: Call,
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const shorter = [...prefix.matchAll(/[-/]/g)].map(({ index }) => prefix.slice(0, index));
  for (const name of [...shorter, ...names.filter((each) => isInside(each, prefix))]) {
    const { owner } = (await findOwnRepository(context, call, name)) ?? {};
    if (owner === name && owner !== prefix) {
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry "${name}" overlaps with "${prefix}".`, {
        hint: `No registry's prefix may extend another's by - or /. It is known by its tag ${ownershipTagKey}.`,
      });
    }
  }
}

/**
 * Refuses replication whose filter would also take repositories that are not ours: ECR knows prefixes only.
 *
 * @throws RESOURCE_CONFLICT naming one of them
 */
export function refuseForeignMatches(names: readonly string[], prefix: string): void {
  const foreign = names.find((name) => name !== prefix && !isInside(name, prefix));
  if (foreign === undefined) return;
  throw new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `Replication by the prefix "${prefix}" would also replicate "${foreign}", which is not this registry's.`,
    { hint: "Rename that repository, or choose another prefix. Nothing was changed." },
  );
}
