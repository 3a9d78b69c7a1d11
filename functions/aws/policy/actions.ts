import type { Permissions } from "../../../core/schemas.ts";

/**
 * What consumers in other accounts may do (Amazon ECR user guide, "Private repository policy examples"): pull, and nothing
 * else. Never `SetRepositoryPolicy`: whoever holds it can rewrite the policy.
 */
export const accountActions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/** What Lambda may do for a consumer's function (Lambda developer guide, "Amazon ECR cross-account permissions"). */
export const workerActions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

const ecrPull = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:GetDownloadUrlForLayer",
  "ecr:BatchGetImage",
  "ecr:DescribeRepositories",
  "ecr:DescribeImages",
  "ecr:ListImages",
];

// Anybody may pull from ECR Public: the service has no actions for it.
const ecrPublicPull = [
  "ecr-public:BatchCheckLayerAvailability",
  "ecr-public:DescribeRepositories",
  "ecr-public:DescribeImages",
  "ecr-public:DescribeImageTags",
];

const upload = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"];

export type EcrService = "ecr" | "ecr-public";

/** What a role, and the session that bounds it, may do in a repository. Never `CreateRepository`. */
export const repositoryActions = {
  ecr: { pull: ecrPull, "push-pull": [...ecrPull, ...upload.map((action) => `ecr:${action}`)] },
  "ecr-public": {
    pull: ecrPublicPull,
    "push-pull": [...ecrPublicPull, ...upload.map((action) => `ecr-public:${action}`)],
  },
} as const satisfies Record<EcrService, Record<Permissions, readonly string[]>>;

/** What asking for a token needs. These actions know no resource but `*`. */
export const tokenActions = {
  ecr: ["ecr:GetAuthorizationToken"],
  "ecr-public": ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"],
} as const satisfies Record<EcrService, readonly string[]>;
