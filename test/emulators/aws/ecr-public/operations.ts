import type { Call, Handler } from "../call.ts";
import { deleteImages, pageOfImages, shown } from "../ecr/images.ts";
import { issueToken } from "../ecr/tokens.ts";
import { authorizedPublic, publicRegistryOf } from "./authorize.ts";
import { getRepositoryCatalogData, putRepositoryCatalogData } from "./catalog-data.ts";
import {
  createRepository,
  deleteRepository,
  describeRegistries,
  describeRepositories,
  listTagsForResource,
  tagResource,
  untagResource,
} from "./repositories.ts";

/** One object, not a list, and without an endpoint. */
async function getAuthorizationToken(call: Call): Promise<object> {
  await call.authorize({ action: "ecr-public:GetAuthorizationToken", resource: "*" });
  const context = { "sts:AWSServiceName": "ecr-public.amazonaws.com" };
  await call.authorize({ action: "sts:GetServiceBearerToken", resource: "*", context });
  const { token, expiresAt } = issueToken(call, "ecr-public");
  return { authorizationData: { authorizationToken: token, expiresAt } };
}

async function describeImages(call: Call): Promise<object> {
  const repository = await authorizedPublic(call);
  const { items, nextToken } = pageOfImages(call, repository, "images");
  return { imageDetails: items.map((image) => shown(repository, image)), nextToken };
}

async function batchDeleteImage(call: Call): Promise<object> {
  const repository = await authorizedPublic(call);
  const path = `${publicRegistryOf(call).alias}/${repository.name}`;
  return deleteImages(call, repository, {
    forget: async (reference) => call.world.dataPlane?.deletePublicReference(path, reference),
  });
}

/** All of it in us-east-1 only. */
export const ECR_PUBLIC: Readonly<Record<string, Handler>> = {
  BatchDeleteImage: batchDeleteImage,
  CreateRepository: createRepository,
  DeleteRepository: deleteRepository,
  DescribeImages: describeImages,
  DescribeRegistries: describeRegistries,
  DescribeRepositories: describeRepositories,
  GetAuthorizationToken: getAuthorizationToken,
  GetRepositoryCatalogData: getRepositoryCatalogData,
  ListTagsForResource: listTagsForResource,
  PutRepositoryCatalogData: putRepositoryCatalogData,
  TagResource: tagResource,
  UntagResource: untagResource,
};
