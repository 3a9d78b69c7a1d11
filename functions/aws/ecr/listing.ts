import { BatchDeleteImageCommand, DescribeImagesCommand, DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { ImageReference, Page, PageRequest } from "../../../core/registry.ts";
import type { Image } from "../../../core/registry-schemas.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { identify, ifTokenHolds, imageOf, refuseFailure } from "../images.ts";
import { type EcrContext, ecr, inEveryRegion, type PolicyLeases, refuseFailures, requestName } from "./context.ts";
import { everyReplicaOf } from "./regions.ts";
import { answer, notFound } from "./repositories.ts";

/** Whether a repository of the account is one of this registry's. ECR lists them all. */
export type IsOurs = (name: string) => name is RoutableName;

/** What ECR describes on one page of a region, and the token of the next one. */
export async function describePage(
  context: EcrContext,
  { cursor, pageSize }: PageRequest,
  call: Call,
  region: string = context.place.region,
) {
  const input = { maxResults: pageSize, ...(cursor !== undefined && { nextToken: cursor }) };
  const page = await ecr(
    context,
    call,
    "DescribeRepositories",
    (client, options) => client.send(new DescribeRepositoriesCommand(input), options),
    {
      region,
      needs: `ecr:DescribeRepositories on every repository, in ${region}`,
      ...(cursor !== undefined && { instead: { InvalidParameterException: "stale" as const } }),
    },
  );
  const { repositories = [], nextToken: next } = ifTokenHolds(page);
  return { repositories, next };
}

/** One page of the registry's repositories: what of ECR's page is ours, so that it may be short or empty. */
export async function listRepositories(
  context: EcrContext,
  isOurs: IsOurs,
  page: PageRequest,
  call: Call,
): Promise<Page<RepositoryResponse>> {
  const { repositories, next } = await describePage(context, page, call);
  const items = repositories.flatMap((each) => {
    const { repositoryName: name = "" } = each;
    return isOurs(name) ? [answer(context, name, each)] : [];
  });
  return { items, next };
}

/**
 * One page of a repository's images at home, also of those in ECR's archive.
 *
 * @throws RESOURCE_NOT_FOUND
 */
export async function listImages(
  context: EcrContext,
  name: RoutableName,
  { cursor, pageSize }: PageRequest,
  call: Call,
): Promise<Page<Image>> {
  const command = () =>
    new DescribeImagesCommand({
      repositoryName: name,
      maxResults: pageSize,
      filter: { imageStatus: "ANY" },
      ...(cursor !== undefined && { nextToken: cursor }),
    });
  const page = await ecr(context, call, "DescribeImages", (client, options) => client.send(command(), options), {
    instead: {
      RepositoryNotFoundException: "no repository",
      ...(cursor !== undefined && { InvalidParameterException: "stale" as const }),
    },
  });
  if (page === "no repository") throw notFound(context, name);
  const { imageDetails = [], nextToken: next } = ifTokenHolds(page);
  return { items: imageDetails.map(imageOf), next };
}

/**
 * Deletes an image with its tags, or one tag: at home first, so that nothing new is replicated, and so that what home refuses
 * is deleted nowhere; then at every replica, also where home had nothing. Idempotent.
 *
 * @throws RESOURCE_CONFLICT for an image that an index holds
 */
export async function deleteImage(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  reference: ImageReference,
  call: Call,
): Promise<void> {
  const remove = async (region: string) => {
    const command = new BatchDeleteImageCommand({ repositoryName: name, imageIds: [identify(reference)] });
    const deleted = await ecr(context, call, "BatchDeleteImage", (client, options) => client.send(command, options), {
      region,
      instead: { RepositoryNotFoundException: "no repository" },
    });
    if (deleted !== "no repository") refuseFailure(deleted, requestName(context.place, "BatchDeleteImage", region));
  };
  await remove(context.place.region);
  const replicas = (await everyReplicaOf(context, leases, call)).map((region) => ({ region }));
  const outcomes = await inEveryRegion(replicas, ({ region }) => remove(region));
  refuseFailures([{ region: context.place.region }, ...outcomes], "It is deleted");
}
