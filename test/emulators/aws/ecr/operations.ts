import type { Handler } from "../call.ts";
import { batchDeleteImage, batchGetImage, describeImages, listImages } from "./images.ts";
import { deleteLifecyclePolicy, getLifecyclePolicy, putLifecyclePolicy } from "./lifecycle.ts";
import { deleteRepositoryPolicy, getRepositoryPolicy, setRepositoryPolicy } from "./policies.ts";
import { describeRegistry, putReplicationConfiguration, startReplicationBackfill } from "./registry.ts";
import {
  createRepository,
  deleteRepository,
  describeRepositories,
  putImageScanningConfiguration,
  putImageTagMutability,
} from "./repositories.ts";
import { listTagsForResource, tagResource, untagResource } from "./tagging.ts";
import { getAuthorizationToken } from "./tokens.ts";

export const ECR: Readonly<Record<string, Handler>> = {
  BatchDeleteImage: batchDeleteImage,
  BatchGetImage: batchGetImage,
  CreateRepository: createRepository,
  DeleteLifecyclePolicy: deleteLifecyclePolicy,
  DeleteRepository: deleteRepository,
  DeleteRepositoryPolicy: deleteRepositoryPolicy,
  DescribeImages: describeImages,
  DescribeRegistry: describeRegistry,
  DescribeRepositories: describeRepositories,
  GetAuthorizationToken: getAuthorizationToken,
  GetLifecyclePolicy: getLifecyclePolicy,
  GetRepositoryPolicy: getRepositoryPolicy,
  ListImages: listImages,
  ListTagsForResource: listTagsForResource,
  PutImageScanningConfiguration: putImageScanningConfiguration,
  PutImageTagMutability: putImageTagMutability,
  PutLifecyclePolicy: putLifecyclePolicy,
  PutReplicationConfiguration: putReplicationConfiguration,
  SetRepositoryPolicy: setRepositoryPolicy,
  StartReplicationBackfill: startReplicationBackfill,
  TagResource: tagResource,
  UntagResource: untagResource,
};
