import {
  BatchDeleteImageCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
} from "@aws-sdk/client-ecr-public";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { ImageReference, Page, PageRequest } from "../../../core/registry.ts";
import type { Image } from "../../../core/registry-schemas.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { isServiceError } from "../errors.ts";
import { identify, ifTokenHolds, imageOf, refuseFailure } from "../images.ts";
import { type EcrPublicContext, ecrPublic } from "./context.ts";
import { answer, notFound } from "./repositories.ts";

/**
 * Asks for a page. Without a token nothing in the request can be wrong, so a request that AWS refuses is about the token.
 *
 * @returns undefined where there is nothing that could be listed
 */
async function pageOf<T>({ cursor }: PageRequest, absent: readonly string[], ask: (expected: string[]) => Promise<T>) {
  const stale = cursor === undefined ? [] : ["InvalidParameterException"];
  const answered = await ask([...absent, ...stale]).catch((error: unknown) => {
    if (isServiceError(error, ...absent)) return undefined;
    if (isServiceError(error, ...stale)) return "stale" as const;
    throw error;
  });
  return ifTokenHolds(answered);
}

/**
 * One page of the registry's repositories: what of ECR Public's page is ours, so that it may be short or empty.
 *
 * @param isOurs by the name that AWS's own API has
 */
export async function listRepositories(
  context: EcrPublicContext,
  isOurs: (name: string) => name is RoutableName,
  page: PageRequest,
  call: Call,
): Promise<Page<RepositoryResponse>> {
  const { cursor, pageSize: maxResults } = page;
  const command = () =>
    new DescribeRepositoriesCommand({ maxResults, ...(cursor !== undefined && { nextToken: cursor }) });
  // An account whose public registry was never used may have none at all.
  const found = await pageOf(page, ["RegistryNotFoundException"], (expected) =>
    ecrPublic(context, call, "DescribeRepositories", (client, options) => client.send(command(), options), expected),
  );
  const items = (found?.repositories ?? []).flatMap((each) => {
    const { repositoryName: name = "" } = each;
    return isOurs(name) ? [answer(name, each)] : [];
  });
  return { items, next: found?.nextToken };
}

/**
 * One page of a repository's images.
 *
 * @throws RESOURCE_NOT_FOUND
 */
export async function listImages(
  context: EcrPublicContext,
  name: RoutableName,
  page: PageRequest,
  call: Call,
): Promise<Page<Image>> {
  const { cursor, pageSize: maxResults } = page;
  const input = { repositoryName: name, maxResults, ...(cursor !== undefined && { nextToken: cursor }) };
  const absent = ["RepositoryNotFoundException", "RegistryNotFoundException"];
  const found = await pageOf(page, absent, (expected) =>
    ecrPublic(
      context,
      call,
      "DescribeImages",
      (client, options) => client.send(new DescribeImagesCommand(input), options),
      expected,
    ),
  );
  if (found === undefined) throw notFound(name);
  return { items: (found.imageDetails ?? []).map(imageOf), next: found.nextToken };
}

/**
 * Deletes an image with its tags, or one tag. Idempotent.
 *
 * @throws RESOURCE_CONFLICT for an image that an index holds
 */
export async function deleteImage(
  context: EcrPublicContext,
  name: RoutableName,
  reference: ImageReference,
  call: Call,
): Promise<void> {
  const absent = ["RepositoryNotFoundException", "RegistryNotFoundException"];
  const command = new BatchDeleteImageCommand({ repositoryName: name, imageIds: [identify(reference)] });
  try {
    const deleted = await ecrPublic(
      context,
      call,
      "BatchDeleteImage",
      (client, options) => client.send(command, options),
      absent,
    );
    refuseFailure(deleted, "ECR Public BatchDeleteImage");
  } catch (error) {
    if (error instanceof ArtifactRegistryError || !isServiceError(error, ...absent)) throw error;
  }
}
